"""What the pretend shop holds: products, orders and refunds, as plain records."""

from dataclasses import dataclass, field
from typing import Any, Final

CURRENCY_SYMBOLS: Final = {"USD": "$", "EUR": "€", "JPY": "¥"}


@dataclass(frozen=True, slots=True)
class Variation:
    """One variation of a product; `price` is a decimal text in the shop's currency."""

    id: int
    name: str
    sku: str
    price: str


@dataclass(slots=True)
class Product:
    """One product. Instants are UTC epoch seconds."""

    id: int
    name: str
    sku: str
    price: str
    created_at: int
    modified_at: int
    is_virtual: bool = False
    status: str = "publish"
    variations: tuple[Variation, ...] = ()


@dataclass(frozen=True, slots=True)
class Buyer:
    """An invented customer with a postal address."""

    first_name: str
    last_name: str
    street: str
    city: str
    region: str
    postal_code: str
    country_code: str
    phone: str = ""
    email: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; the id is unique in the shop, as WooCommerce's are."""

    id: int
    product_id: int
    variation_id: int
    name: str
    sku: str
    price: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund; `units` are taken-out units by line id and may be empty (money only)."""

    id: int
    created_at: int
    amount: str
    reason: str
    units: dict[int, int]


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """A fulfilment of WooCommerce's own: status and meta data (key, value) as they were sent."""

    id: int
    status: str
    is_fulfilled: bool
    updated_at: int
    meta: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Tracking:
    """A tracking number of the Shipment Tracking plugin."""

    id: str
    provider: str
    link: str
    number: str
    shipped_on: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note on an order."""

    id: int
    text: str
    is_for_customer: bool
    created_at: int


@dataclass(slots=True)
class Order:
    """One order. `recipient` None means that it goes to the buyer's own address."""

    id: int
    status: str
    currency: str
    created_at: int
    modified_at: int
    buyer: Buyer
    items: tuple[Item, ...]
    paid_at: int | None = None
    completed_at: int | None = None
    recipient: Buyer | None = None
    shipping_total: str = "0.00"
    note: str = ""
    refunds: list[Refund] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    trackings: list[Tracking] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
