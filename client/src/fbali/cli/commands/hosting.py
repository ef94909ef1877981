"""`fbali hosting`: say which vendor fulfils which product."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option, options_as
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options
from fbali.cli.parameters import COUNTRY, MONEY

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.hosting_pb2 import Hosting


@dataclass(frozen=True, slots=True)
class Terms:
    """What a hosting says beside product and vendor; None where nothing was said."""

    countries: tuple[str, ...]
    priority: int | None
    vendor_sku: str | None
    purchase_url: str | None
    unit_cost: str | None
    shipping_cost: str | None
    active: bool | None


term_options = options_as(
    Terms,
    "terms",
    click.option(
        "--country", "countries", type=COUNTRY, multiple=True, help="Only for it; repeat."
    ),
    click.option(
        "--priority", type=click.IntRange(1, 10000), help="1 is tried before 2; usually 100."
    ),
    click.option("--vendor-sku", help="The vendor's own SKU."),
    click.option("--purchase-url", help="Where the vendor buys it."),
    click.option("--unit-cost", type=MONEY, help="Quoted cost of a unit, such as '4.20 USD'."),
    click.option("--shipping-cost", type=MONEY, help="Quoted shipping cost of a unit."),
    click.option("--active/--paused", default=None, help="Whether it is used."),
)


@click.group(cls=Noun)
def hosting() -> None:
    """Say which vendor fulfils which product."""


@hosting.command(
    "create", example="fbali hosting create u0product v0vendor --unit-cost '4.20 USD' --country US"
)
@click.argument("product", type=names.PRODUCT)
@click.argument("vendor", type=names.VENDOR)
@click.option("--variant", type=names.VARIANT, help="Only for this variant.")
@term_options
@click.pass_obj
def create(
    invocation: Invocation, *, product: str, vendor: str, variant: str | None, terms: Terms
) -> None:
    """Have a vendor fulfil a product; orders that waited for it go to the vendor."""
    from fbali.cli.views.product_views import hosting_document
    from fbali.v1.hosting_pb2 import Hosting
    from fbali.v1.hosting_service_pb2 import CreateHostingRequest

    wanted = Hosting(product=product, vendor=vendor, variant=_variant_name(product, variant))
    _apply(terms, wanted)
    request = CreateHostingRequest(parent="merchants/-", hosting=wanted)
    found = invocation.client.hosting.CreateHosting(request)
    invocation.answer(found, lambda: hosting_document(found.hosting))


@hosting.command("list", example="fbali hosting list --vendor v0vendor")
@click.option("--product", type=names.PRODUCT, help="Only of this product.")
@click.option("--vendor", type=names.VENDOR, help="Only with this vendor.")
@paging_options
@click.pass_obj
def list_hostings(
    invocation: Invocation, *, product: str | None, vendor: str | None, paging: Paging
) -> None:
    """List hostings, newest first."""
    from fbali.cli.views.product_views import hosting_list
    from fbali.v1.hosting_service_pb2 import ListHostingsRequest

    request = ListHostingsRequest(parent="merchants/-", product=product or "", vendor=vendor or "")
    answer_list(
        invocation,
        invocation.client.hosting.ListHostings,
        request,
        paging,
        lambda found: hosting_list(found.hostings, "No hostings."),
    )


@hosting.command("show", example="fbali hosting show h0hosting")
@click.argument("name", metavar="HOSTING", type=names.HOSTING)
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, name: str) -> None:
    """Show a hosting."""
    from fbali.cli.views.product_views import hosting_document
    from fbali.v1.hosting_service_pb2 import GetHostingRequest

    found = invocation.client.hosting.GetHosting(GetHostingRequest(name=name))
    invocation.answer(found, lambda: hosting_document(found.hosting))


@hosting.command("update", example="fbali hosting update h0hosting --priority 1 --paused")
@click.argument("name", metavar="HOSTING", type=names.HOSTING)
@click.option("--all-countries", is_flag=True, help="For all countries again.")
@term_options
@click.pass_obj
def update(invocation: Invocation, *, name: str, all_countries: bool, terms: Terms) -> None:
    """Change a hosting; what you do not name stays. Allocations keep what they were made with."""
    from fbali.cli.views.product_views import hosting_document
    from fbali.v1.hosting_pb2 import Hosting
    from fbali.v1.hosting_service_pb2 import GetHostingRequest, UpdateHostingRequest

    known = invocation.client.hosting.GetHosting(GetHostingRequest(name=name)).hosting
    wanted = Hosting()
    wanted.CopyFrom(known)
    if all_countries:
        del wanted.region_codes[:]
    _apply(terms, wanted)
    if wanted == known:
        raise click.UsageError("say what is to change, for example --priority 1")
    request = UpdateHostingRequest(name=name, hosting=wanted)
    found = invocation.client.hosting.UpdateHosting(request)
    invocation.answer(found, lambda: hosting_document(found.hosting))


@hosting.command("delete", example="fbali hosting delete h0hosting --yes")
@click.argument("name", metavar="HOSTING", type=names.HOSTING)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(invocation: Invocation, *, name: str, yes: bool) -> None:
    """Delete a hosting; what was allocated by it stays."""
    from fbali.cli.document import Note
    from fbali.v1.hosting_service_pb2 import DeleteHostingRequest, GetHostingRequest

    known = invocation.client.hosting.GetHosting(GetHostingRequest(name=name)).hosting
    what = f"the hosting of {known.product_title} with {known.vendor_display_name}"
    invocation.confirm(f"Delete {what}?", yes=yes)
    request = DeleteHostingRequest(name=name, etag=known.etag)
    found = invocation.client.hosting.DeleteHosting(request)
    invocation.answer(found, lambda: [Note(f"Deleted {what}.")])


@hosting.command("explain", example="fbali hosting explain u0product --country US")
@click.argument("product", type=names.PRODUCT)
@click.option("--country", type=COUNTRY, required=True, help="Where it is sent to.")
@click.option("--variant", type=names.VARIANT, help="Which variant; otherwise the first.")
@fields_option
@click.pass_obj
def explain(invocation: Invocation, *, product: str, country: str, variant: str | None) -> None:
    """Say which vendor would get a product for a country, and why the others would not."""
    from fbali.cli.views.product_views import explanation
    from fbali.v1.hosting_service_pb2 import ExplainHostingRequest

    request = ExplainHostingRequest(
        name=product, variant=_variant_name(product, variant), region_code=country
    )
    found = invocation.client.hosting.ExplainHosting(request)
    invocation.answer(found, lambda: explanation(found, country))


def _variant_name(product: str, variant: str | None) -> str:
    return f"{product}/variants/{variant}" if variant else ""


def _apply(terms: Terms, wanted: "Hosting") -> None:
    """Change what was said, leave the rest."""
    from fbali.cli.contract_values import money
    from fbali.v1.hosting_pb2 import HostingState

    if terms.countries:
        wanted.region_codes[:] = dict.fromkeys(terms.countries)
    wanted.priority = terms.priority or wanted.priority
    if terms.vendor_sku is not None:
        wanted.vendor_sku = terms.vendor_sku
    if terms.purchase_url is not None:
        wanted.purchase_url = terms.purchase_url
    if terms.unit_cost:
        wanted.unit_cost.CopyFrom(money(terms.unit_cost))
    if terms.shipping_cost:
        wanted.shipping_cost.CopyFrom(money(terms.shipping_cost))
    if terms.active is not None:
        wanted.state = HostingState.Value(f"HOSTING_STATE_{'ACTIVE' if terms.active else 'PAUSED'}")
