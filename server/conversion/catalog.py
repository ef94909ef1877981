"""Products, variants and hostings."""

from fbali.v1.hosting_pb2 import Hosting as HostingMessage
from fbali.v1.hosting_pb2 import HostingState as HostingStateNumber
from fbali.v1.product_pb2 import Product as ProductMessage
from fbali.v1.product_pb2 import Variant as VariantMessage
from oms.domain.catalog import Hosting, HostingState, Product
from oms.usecases.manage_hostings import CreateHosting, HostingTerms
from server import names
from server.conversion.basics import enum_or_none, instant, money, money_message, number, word

STATE_PREFIX = "HOSTING_STATE_"


def product_message(product: Product) -> ProductMessage:
    """Convert a product with its variants."""
    return ProductMessage(
        name=names.product(product.merchant_id, product.id),
        store=names.store(product.merchant_id, product.store_id),
        external_id=product.external_id,
        title=product.title,
        sku=product.sku,
        variants=[
            VariantMessage(
                name=names.variant(product.merchant_id, product.id, variant.id),
                external_id=variant.external_id,
                title=variant.title,
                sku=variant.sku,
                price=money_message(variant.price),
            )
            for variant in product.variants
        ],
        hosting_count=product.hosting_count,
        waiting_unit_count=product.waiting_unit_count,
    )


def hosting_message(hosting: Hosting) -> HostingMessage:
    """Convert a hosting."""
    merchant_id, product_id = hosting.merchant_id, hosting.product_id
    return HostingMessage(
        name=names.hosting(merchant_id, hosting.id),
        product=names.product(merchant_id, product_id),
        variant=names.variant(merchant_id, product_id, hosting.variant_id),
        vendor=names.vendor(hosting.vendor_id),
        vendor_display_name=hosting.vendor_display_name,
        region_codes=hosting.countries,
        priority=hosting.priority,
        vendor_sku=hosting.vendor_sku,
        purchase_url=hosting.purchase_url,
        unit_cost=money_message(hosting.unit_cost),
        shipping_cost=money_message(hosting.shipping_cost),
        state=number(HostingStateNumber, STATE_PREFIX, hosting.state),
        etag=str(hosting.version),
        create_time=instant(hosting.created_at),
        product_title=hosting.product_title,
    )


def hosting_terms(message: HostingMessage) -> HostingTerms:
    """Read the changeable fields of a hosting."""
    state = word(HostingStateNumber, STATE_PREFIX, message.state)
    return HostingTerms(
        countries=tuple(message.region_codes),
        priority=message.priority,
        vendor_sku=message.vendor_sku,
        purchase_url=message.purchase_url,
        unit_cost=money(message, "unit_cost"),
        shipping_cost=money(message, "shipping_cost"),
        state=enum_or_none(HostingState, state) or HostingState.ACTIVE,
    )


def create_hosting(message: HostingMessage, field: str = "hosting") -> CreateHosting:
    """Read a hosting that is to be created; `field` is where the request has it."""
    return CreateHosting(
        product_id=names.last_id(message.product),
        variant_id=names.last_id(message.variant),
        vendor_id=names.last_id(message.vendor),
        terms=hosting_terms(message),
        field=field,
    )
