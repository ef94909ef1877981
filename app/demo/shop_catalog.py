"""Invented products, customers and orders, the same for the same seed."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Final

from app.demo.shop_records import Buyer, Item, Order, Product, Refund, Variation

PRODUCTS: Final = 40
FIRST_PRODUCT_ID: Final = 10
FIRST_ORDER_ID: Final = 1_001
_DAY_SECONDS: Final = 86_400
_SIZES: Final = ("S", "M", "L/XL")
_COLORS: Final = ("Red", "Blau")
_NAMES: Final = (
    "LED Lamp",
    "Yoga Mat",
    "Handyhülle für Größe XL",
    "充電ケーブル",
    "Кружка «Кот»",
    "Crème brûlée torch 🔥",
    'Ring Light 10"',
    "Cat's &amp; Dog's Bed",
    "Ålesund Rucksack",
    "防水手表",
)
_BUYERS: Final = (
    Buyer("Ada", "Sample", "1 Market St", "San Francisco", "CA", "94103", "US", "+1 415 555 0100"),
    Buyer("Seán", "O'Brien", "12 O'Connell St", "Dublin", "D", "D02 X285", "IE"),
    Buyer("Jürgen", "Müller", "Hauptstraße 5", "Köln", "NW", "50667", "DE", "+49 221 5550101"),
    Buyer("美咲", "佐藤", "千代田1-1", "千代田区", "JP13", "100-0001", "JP"),
    Buyer("Олена", "Шевченко", "вул. Хрещатик, 22", "Київ", "UA30", "01001", "UA"),
    Buyer(
        "Iñaki", "😀", "Av. Paulista, 1000", "São Paulo", "SP", "01310-100", "BR", company="ACME"
    ),
    Buyer("Zoë", "Sample", "10 Example St & Co", "London", "", "SW1A 1AA", "GB"),
)
_GIFT: Final = Buyer("Gift", "Empfänger", "99 Elsewhere Rd", "Lyon", "", "69001", "FR")
# Weights of the statuses, in per cent; most orders of a shop wait for their parcels.
_STATUSES: Final = (
    ("processing", 57),
    ("completed", 18),
    ("pending", 6),
    ("on-hold", 5),
    ("cancelled", 6),
    ("failed", 3),
    ("refunded", 3),
    ("trash", 2),
)
_CURRENCIES: Final = ("USD", "USD", "USD", "EUR", "EUR", "JPY")
_NOTES: Final = ("", "", "", "Bitte klingeln 🔔", 'Leave at door; "thanks"')


class Catalog:
    """Makes products and orders; two catalogues of one seed make the same ones."""

    def __init__(self, seed: int, *, now: int) -> None:
        """Date everything before `now` (UTC epoch seconds)."""
        self._random = Random(seed)  # noqa: S311 - Invented goods need no secrecy.
        self._now = now
        self._line_id = 0
        self.products = [self._product(number) for number in range(PRODUCTS)]

    def orders(self, count: int) -> Iterator[Order]:
        """Make orders of the last 30 days, oldest first."""
        for position in range(count):
            age = (count - position) * 30 * _DAY_SECONDS // count
            yield self.order(FIRST_ORDER_ID + position, placed_at=self._now - age)

    def order(self, order_id: int, *, placed_at: int, status: str = "") -> Order:
        """Make one order, of a random status unless one is given."""
        names, weights = zip(*_STATUSES, strict=True)
        status = status or self._random.choices(names, weights)[0]
        is_paid = status in {"processing", "completed", "refunded"}
        email = f"buyer{order_id}@example.com"
        chosen = self._random.choice(_BUYERS)
        buyer = Buyer(
            chosen.first_name,
            chosen.last_name,
            chosen.street,
            chosen.city,
            chosen.region,
            chosen.postal_code,
            chosen.country_code,
            chosen.phone,
            email,
            chosen.company,
        )
        lines = self._random.choice((1, 1, 1, 2, 2, 3, 5))
        order = Order(
            id=order_id,
            status=status,
            currency=self._random.choice(_CURRENCIES),
            created_at=placed_at,
            modified_at=placed_at,
            buyer=buyer,
            items=tuple(self._item() for _ in range(lines)),
            paid_at=placed_at if is_paid else None,
            completed_at=placed_at if status == "completed" else None,
            recipient=_GIFT if self._random.random() < 0.1 else None,  # noqa: PLR2004
            shipping_total=self._random.choice(("0.00", "4.36", "7.80")),
            note=self._random.choice(_NOTES),
        )
        self._refund_some(order)
        return order

    def _refund_some(self, order: Order) -> None:
        """Refund one unit, or money only, of every twentieth order that waits for its parcel."""
        if order.status != "processing" or self._random.random() >= 0.05:  # noqa: PLR2004
            return
        item = order.items[0]
        units = {item.id: 1} if self._random.random() < 0.7 else {}  # noqa: PLR2004
        refund_id = 1_000_000 + order.id
        order.refunds.append(Refund(refund_id, order.modified_at, item.price, "missing", units))

    def _product(self, number: int) -> Product:
        product_id = FIRST_PRODUCT_ID + number
        sku = "" if number % 13 == 4 else f"SKU-{number + 1:04d}"  # noqa: PLR2004
        price = self._price()
        made_at = self._now - 60 * _DAY_SECONDS + number
        return Product(
            id=product_id,
            name=f"{_NAMES[number % len(_NAMES)]} {number + 1}",
            sku=sku,
            price=price,
            created_at=made_at,
            modified_at=made_at,
            is_virtual=number == PRODUCTS - 1,
            variations=tuple(self._variations(product_id, sku)) if number % 3 == 1 else (),
        )

    def _variations(self, product_id: int, sku: str) -> Iterator[Variation]:
        for position, size in enumerate(_SIZES):
            for offset, color in enumerate(_COLORS):
                variation_id = product_id * 10 + 1_000 + position * 2 + offset
                suffix = f"{size[0]}-{color[0]}"
                own_sku = f"{sku}-{suffix}" if sku else ""
                yield Variation(variation_id, f"{size}, {color}", own_sku, self._price())

    def _item(self) -> Item:
        product = self._random.choice(self.products)
        self._line_id += 1
        quantity = self._random.choice((1, 1, 1, 2, 3))
        if product.variations:
            chosen = self._random.choice(product.variations)
            name = f"{product.name} - {chosen.name}"
            ids = (self._line_id, product.id, chosen.id)
            return Item(*ids, name, chosen.sku, chosen.price, quantity)
        return Item(
            self._line_id, product.id, 0, product.name, product.sku, product.price, quantity
        )

    def _price(self) -> str:
        return f"{Decimal(self._random.randrange(406, 7_827)) / 100:.2f}"
