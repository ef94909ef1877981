"""Products, variants and hostings as they are stored. Instants are epoch milliseconds."""

from dataclasses import dataclass
from enum import StrEnum

from oms.domain.money import Money

PRIORITY_DEFAULT = 100


class HostingState(StrEnum):
    """Whether a hosting is used."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant; `external_id` is empty for the only one of a simple product."""

    id: str
    product_id: str
    external_id: str
    title: str
    sku: str
    price: Money | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product with its variants by title."""

    id: str
    merchant_id: str
    store_id: str
    external_id: str
    title: str
    sku: str
    variants: tuple[Variant, ...]
    hosting_count: int
    waiting_unit_count: int


@dataclass(frozen=True, slots=True)
class Hosting:
    """The rule that a product (or one variant) is fulfilled by a vendor."""

    id: str
    merchant_id: str
    product_id: str
    variant_id: str
    vendor_id: str
    countries: tuple[str, ...]
    priority: int
    vendor_sku: str
    purchase_url: str
    unit_cost: Money | None
    shipping_cost: Money | None
    state: HostingState
    version: int
    created_at: int
    vendor_display_name: str = ""
    product_title: str = ""
