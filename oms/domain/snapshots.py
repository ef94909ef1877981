"""What a store says at one moment: orders and products as read, before we decide anything."""

from dataclasses import dataclass, field

from oms.domain.money import Money


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; absent parts are empty. `country_code` is ISO 3166-1 alpha-2."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country_code: str = ""
    phone: str = ""


SKU_PREFIX = "sku:"
TITLE_PREFIX = "title:"
FILE_LINE_PREFIX = "file:"  # Begins the id of a line whose file has none: position and SKU follow.


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """One line of a store order.

    `quantity` is what was bought, `removed_quantity` what the store has refunded or taken out since
    (0 <= removed <= quantity). `product_id` is the store's id and empty when the store has deleted
    the product; `variant_id` is empty for a product without variants. `price` is that of one unit.
    """

    external_id: str
    product_id: str
    variant_id: str
    title: str
    sku: str
    quantity: int
    price: Money
    removed_quantity: int = 0
    needs_shipping: bool = True
    is_fulfilled: bool = False  # The store shipped this line, whatever it says of the order.

    @property
    def is_by_words(self) -> bool:
        """Tell whether the product is named by SKU or title, as files do that know no ids."""
        return self.product_id.startswith((SKU_PREFIX, TITLE_PREFIX))


def product_by_words(sku: str, title: str) -> str:
    """Make the product id of a line that names its product by SKU, else by its title."""
    return f"{SKU_PREFIX}{sku}" if sku else f"{TITLE_PREFIX}{title}"


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """One store order. Instants are UTC epoch seconds; `raw` is the store's own document.

    `store_status` is the store's word (`processing`), kept even when we do not know it. `refunded`
    is what the store has given back so far, in the order's currency; None when nothing.
    `is_paid`, `is_cancelled` and `is_fulfilled` are the connector's reading of the store's fields.
    """

    external_id: str
    number: str
    store_status: str
    currency: str
    total: Money
    placed_at: int
    updated_at: int
    is_paid: bool
    is_cancelled: bool
    is_fulfilled: bool
    customer_name: str
    customer_email: str
    address: Address
    lines: tuple[LineSnapshot, ...]
    raw: bytes = field(repr=False)
    note: str = ""
    refunded: Money | None = None

    @property
    def refunded_minor(self) -> int:
        """What was given back so far, in minor units of the order's currency."""
        return 0 if self.refunded is None else self.refunded.amount_minor

    @property
    def charged_minor(self) -> int:
        """What the customer is charged, before refunds.

        That is the total, unless the store cancelled the order: then as much as was refunded, so
        that nothing of it stays, whether or not the store writes a refund for it.
        """
        return self.refunded_minor if self.is_cancelled else self.total.amount_minor


@dataclass(frozen=True, slots=True)
class MalformedOrder:
    """An order that could not be read. `external_id` is empty when even that is missing.

    `problem` says in plain words which field is wrong and what was found; `raw` is what came.
    """

    external_id: str
    problem: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VariantSnapshot:
    """One variant; `external_id` is empty for the only variant of a simple product."""

    external_id: str
    title: str
    sku: str
    price: Money | None
    needs_shipping: bool


@dataclass(frozen=True, slots=True)
class ProductSnapshot:
    """One product with all its variants, at least one."""

    external_id: str
    title: str
    sku: str
    variants: tuple[VariantSnapshot, ...]
    updated_at: int


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of changed orders.

    `next_cursor` continues the same window and is empty at its end; the store has then been read
    completely up to `read_until` (UTC epoch seconds, exclusive, by the store's own clock).
    `orders_total` is how many orders the window held when it was opened, for progress only.
    """

    orders: tuple[OrderSnapshot, ...]
    malformed: tuple[MalformedOrder, ...]
    next_cursor: str
    read_until: int
    orders_total: int


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A page of changed products; cursor and `read_until` as for OrderPage."""

    products: tuple[ProductSnapshot, ...]
    problems: tuple[str, ...]
    next_cursor: str
    read_until: int


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """What a store says of itself when it is connected."""

    title: str
    platform_version: str
    currency: str
