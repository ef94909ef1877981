"""HostingService: products and hostings; stores and vendors are in `stores` and `vendors`."""

from fbali.v1 import hosting_service_pb2 as pb
from oms.usecases import queries
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.manage_hostings import (
    DeleteHosting,
    UpdateHosting,
    create_hostings,
    delete_hosting,
    explain_hosting,
    update_hosting,
)
from oms.usecases.queries import ProductFilter
from server import names
from server.conversion.catalog import (
    create_hosting,
    hosting_message,
    hosting_terms,
    product_message,
)
from server.paging import cut_page, page_size, start_key
from server.services.figures import ScoreMethods
from server.services.stores import StoreMethods
from server.services.vendors import VendorMethods


class HostingService(StoreMethods, VendorMethods, ScoreMethods):
    """A merchant's stores, vendors, products, and which vendor fulfils what."""

    def __init__(self, oms: Oms) -> None:
        """Serve one order management."""
        self._oms = oms

    def ListProducts(self, request: pb.ListProductsRequest, call: Call) -> pb.ListProductsResponse:
        """List products by title."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        wanted = ProductFilter(merchant_id, names.last_id(request.store), request.text)
        title, product_id = start_key(request, call.caller) or ["", ""]
        found = queries.list_products(
            self._oms, wanted, (title, product_id), page_size(request) + 1
        )
        page, token = cut_page(
            found, request, call.caller, lambda product: [product.title, product.id]
        )
        return pb.ListProductsResponse(
            products=[product_message(product) for product in page], next_page_token=token
        )

    def GetProduct(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        """Show a product and its hostings."""
        merchant_id, product_id = names.own_ids(request.name, call.caller)
        product, hostings = queries.get_product(self._oms, merchant_id, product_id)
        return pb.GetProductResponse(
            product=product_message(product),
            hostings=[hosting_message(hosting) for hosting in hostings],
        )

    def ListUnhostedProducts(
        self, request: pb.ListUnhostedProductsRequest, call: Call
    ) -> pb.ListUnhostedProductsResponse:
        """List the products whose lines wait to be hosted."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        found = queries.list_unhosted_products(self._oms, merchant_id)
        return pb.ListUnhostedProductsResponse(
            products=[product_message(product) for product in found]
        )

    def CreateHosting(self, request: pb.CreateHostingRequest, call: Call) -> bytes:
        """Host a product or variant with a vendor."""
        names.own_ids(request.parent, call.caller)
        names.own_ids(request.hosting.product, call.caller)
        return mutate(
            self._oms,
            call,
            create_hostings,
            [create_hosting(request.hosting)],
            lambda made: pb.CreateHostingResponse(
                hosting=hosting_message(made[0])
            ).SerializeToString(),
        )

    def BatchCreateHostings(self, request: pb.BatchCreateHostingsRequest, call: Call) -> bytes:
        """Create hostings, all or none."""
        names.own_ids(request.parent, call.caller)
        for hosting in request.hostings:
            names.own_ids(hosting.product, call.caller)
        return mutate(
            self._oms,
            call,
            create_hostings,
            [
                create_hosting(hosting, f"hostings[{index}]")
                for index, hosting in enumerate(request.hostings)
            ],
            lambda made: pb.BatchCreateHostingsResponse(
                hostings=[hosting_message(hosting) for hosting in made]
            ).SerializeToString(),
        )

    def GetHosting(self, request: pb.GetHostingRequest, call: Call) -> pb.GetHostingResponse:
        """Show a hosting."""
        merchant_id, hosting_id = names.own_ids(request.name, call.caller)
        found = queries.get_hosting(self._oms, merchant_id, hosting_id)
        return pb.GetHostingResponse(hosting=hosting_message(found))

    def ListHostings(self, request: pb.ListHostingsRequest, call: Call) -> pb.ListHostingsResponse:
        """List hostings, newest first."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        [before] = start_key(request, call.caller) or [""]
        wanted = (names.last_id(request.product), names.last_id(request.vendor))
        found = queries.list_hostings(
            self._oms, merchant_id, wanted, before, page_size(request) + 1
        )
        page, token = cut_page(found, request, call.caller, lambda hosting: [hosting.id])
        return pb.ListHostingsResponse(
            hostings=[hosting_message(hosting) for hosting in page], next_page_token=token
        )

    def UpdateHosting(self, request: pb.UpdateHostingRequest, call: Call) -> bytes:
        """Replace the changeable fields of a hosting."""
        _, hosting_id = names.own_ids(request.name, call.caller)
        terms = hosting_terms(request.hosting)
        return mutate(
            self._oms,
            call,
            update_hosting,
            UpdateHosting(hosting_id, terms, request.hosting.etag),
            lambda found: pb.UpdateHostingResponse(
                hosting=hosting_message(found)
            ).SerializeToString(),
        )

    def DeleteHosting(self, request: pb.DeleteHostingRequest, call: Call) -> bytes:
        """Delete a hosting."""
        _, hosting_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            delete_hosting,
            DeleteHosting(hosting_id, request.etag),
            lambda _: pb.DeleteHostingResponse().SerializeToString(),
        )

    def ExplainHosting(
        self, request: pb.ExplainHostingRequest, call: Call
    ) -> pb.ExplainHostingResponse:
        """Say which vendor a product would go to, and why the others would not."""
        merchant_id, product_id = names.own_ids(request.name, call.caller)
        verdicts, chosen = explain_hosting(
            self._oms, merchant_id, product_id, names.last_id(request.variant), request.region_code
        )
        return pb.ExplainHostingResponse(
            chosen=None if chosen is None else hosting_message(chosen),
            verdicts=[
                pb.HostingVerdict(
                    hosting=hosting_message(verdict.hosting),
                    fits=verdict.fits,
                    explanation=verdict.explanation,
                )
                for verdict in verdicts
            ],
        )
