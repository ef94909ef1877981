"""`fbali products`: see products and what waits for a vendor."""

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options


@click.group(cls=Noun)
def products() -> None:
    """See products and what waits for a vendor."""


@products.command("list", example="fbali products list --text mug")
@click.option("--text", default="", help="Only those whose title or SKU contains these words.")
@click.option("--store", type=names.STORE, help="Only products of this store.")
@paging_options
@click.pass_obj
def list_products(invocation: Invocation, *, text: str, store: str | None, paging: Paging) -> None:
    """List products by title, with how many vendors host them and how many units wait."""
    from fbali.cli.views.product_views import product_list
    from fbali.v1.hosting_service_pb2 import ListProductsRequest

    request = ListProductsRequest(parent="merchants/-", store=store or "", text=text)
    answer_list(
        invocation,
        invocation.client.hosting.ListProducts,
        request,
        paging,
        lambda found: product_list(found.products, "No products."),
    )


@products.command("show", example="fbali products show u0product")
@click.argument("product", type=names.PRODUCT)
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, product: str) -> None:
    """Show a product with its variants and the vendors that host it."""
    from fbali.cli.views.product_views import product_document
    from fbali.v1.hosting_service_pb2 import GetProductRequest

    found = invocation.client.hosting.GetProduct(GetProductRequest(name=product))
    invocation.answer(found, lambda: product_document(found))


@products.command("unhosted", example="fbali products unhosted")
@fields_option
@click.pass_obj
def unhosted(invocation: Invocation) -> None:
    """List the products that orders wait for because no vendor hosts them."""
    from fbali.cli.views.product_views import product_list
    from fbali.v1.hosting_service_pb2 import ListUnhostedProductsRequest

    request = ListUnhostedProductsRequest(parent="merchants/-")
    found = invocation.client.hosting.ListUnhostedProducts(request)
    invocation.answer(found, lambda: product_list(found.products, "No order waits for a hosting."))
    if found.products:
        invocation.say("Host one with: fbali hosting create PRODUCT VENDOR")
