"""Orders with everything that a report adds up, written straight into the tables at random."""

from random import Random
from typing import Any

from oms.storage import sales
from oms.storage.database import Database

CURRENCIES = ["USD", "EUR", "JPY", "KWD"]
DAY_MS = 86_400_000
FIRST = 20_000 * DAY_MS
STATES = ["SUBMITTED", "ACCEPTED", "CLOSED", "REJECTED", "CANCELLED"]
STATUSES = ["PENDING", "PROCESSING", "IN_TRANSIT", "EXCEPTION", "DELIVERED", None]
KINDS = ["PRODUCT", "SHIPPING", "SERVICE_FEE", "TAX", "ADJUSTMENT"]


class RandomPast:
    """Writes a merchant's orders; the same seed writes the same."""

    def __init__(self, db: Database, merchant_id: str, vendor_ids: list[str], seed: int) -> None:
        self.db, self.merchant_id, self.vendor_ids = db, merchant_id, vendor_ids
        self.random, self.seed, self.number = Random(seed), seed, 0
        self.store_ids = [f"s{merchant_id[-8:]}{number}" for number in range(2)]
        self.product_ids = [f"u{merchant_id[-8:]}{number}" for number in range(3)]

    def write(self, orders: int) -> None:
        with self.db.transaction():
            for number, store_id in enumerate(self.store_ids):
                self._insert(
                    "store",
                    id=store_id,
                    merchant_id=self.merchant_id,
                    display_name=f"Store {number}",
                    platform="woocommerce",
                    base_url=store_id,
                    state="CONNECTED",
                    processing="AUTOMATIC",
                    sync_interval_seconds=60,
                    version=1,
                    created_at=1,
                )
            for number, product_id in enumerate(self.product_ids):
                self._insert(
                    "product",
                    id=product_id,
                    merchant_id=self.merchant_id,
                    store_id=self.store_ids[0],
                    external_id=str(number),
                    title=f"Product {number}",
                    sku="",
                    search_text="",
                    updated_at=1,
                )
            ids = [self._order() for _ in range(orders)]
            sales.refresh(self.db, ids)

    def _id(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.seed}x{self.number:05}{self.merchant_id[-8:]}"

    def _insert(self, table: str, **values: Any) -> None:
        marks = ", ".join("?" * len(values))
        self.db.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", *values.values())

    def _order(self) -> str:
        random, order_id = self.random, self._id("o")
        total = random.randrange(0, 60_000)
        self._insert(
            "orders",
            id=order_id,
            merchant_id=self.merchant_id,
            store_id=random.choice(self.store_ids),
            external_id=order_id,
            number=order_id,
            store_status="processing",
            admission=random.choice(["ADMITTED"] * 6 + ["CANCELLED"]),
            status=random.choice(STATUSES),
            has_open_units=False,
            currency=random.choice(CURRENCIES),
            total_minor=total,
            customer_name="",
            country=random.choice(["DE", "US", ""]),
            placed_at=FIRST + random.randrange(4 * DAY_MS),
            store_updated_at=1,
            content_hash="",
            version=1,
            created_at=1,
            refunded_minor=random.choice([0, 0, total // 3]),
            charged_minor=random.choice([total, total, 0]),
        )
        lines = [self._line(order_id, position) for position in range(random.randint(1, 3))]
        for vendor_id in random.sample(self.vendor_ids, random.randint(0, len(self.vendor_ids))):
            self._part(order_id, vendor_id, lines)
        return order_id

    def _line(self, order_id: str, position: int) -> tuple[str, int]:
        random, line_id = self.random, self._id("l")
        ordered = random.randint(1, 5)
        removed = random.choice([0, 0, random.randint(0, ordered)])
        self._insert(
            "order_line",
            id=line_id,
            order_id=order_id,
            external_id=line_id,
            position=position,
            kind="ORIGINAL",
            product_id=random.choice([*self.product_ids, ""]),
            variant_id="",
            title="",
            sku="",
            price_minor=random.choice([0, 999, 4711]),
            needs_shipping=True,
            ordered=ordered,
            removed=removed,
            elsewhere=0,
            excluded=0,
            allocated=0,
            packed=0,
            handed_over=0,
            delivered=0,
            settled=0,
            open_units=ordered - removed,
            over_allocated=False,
            pending_reason="",
        )
        return line_id, ordered

    def _part(self, order_id: str, vendor_id: str, lines: list[tuple[str, int]]) -> None:
        random, part_id = self.random, self._id("a")
        self._insert(
            "allocation",
            id=part_id,
            merchant_id=self.merchant_id,
            order_id=order_id,
            vendor_id=vendor_id,
            state=random.choice(STATES),
            reject_reason="",
            note="",
            version=1,
            created_at=FIRST,
        )
        held = random.sample(lines, random.randint(1, len(lines)))
        for line_id, ordered in held:
            quantity = random.randint(1, ordered)
            self._insert(
                "allocation_line",
                allocation_id=part_id,
                line_id=line_id,
                quantity=quantity,
                packed=0,
                returned=random.choice([0, 0, quantity]),
                hosting_id="",
                vendor_sku="",
                purchase_url="",
                unit_cost_minor=random.choice([None, 420, 133]),
                shipping_cost_minor=random.choice([None, 250]),
                currency=random.choice(CURRENCIES[:2]),
            )
        for _ in range(random.randint(0, 5)):
            self._insert(
                "cost_entry",
                id=self._id("c"),
                allocation_id=part_id,
                order_id=order_id,
                kind=random.choice(KINDS),
                source=random.choice(["QUOTED", "ACTUAL"]),
                amount_minor=random.randint(-50, 2_000),
                currency=random.choice(CURRENCIES),
                note="",
                created_at=FIRST,
            )
        for _ in range(random.randint(0, 2)):
            self._package(order_id, part_id, vendor_id, held)

    def _package(self, order_id: str, part_id: str, vendor_id: str, held: list[Any]) -> None:
        random, package_id = self.random, self._id("p")
        handed_over_at = random.choice([None, FIRST + random.randrange(DAY_MS)])
        self._insert(
            "package",
            id=package_id,
            allocation_id=part_id,
            order_id=order_id,
            vendor_id=vendor_id,
            carrier_code="",
            tracking_number=package_id,
            live_number=package_id,
            state=random.choice(["DELIVERED", "IN_TRANSIT"]),
            exception_reason="",
            raw_status="",
            handed_over_at=handed_over_at,
            delivered_at=FIRST + DAY_MS + random.randrange(9 * DAY_MS),
            quiet_polls=0,
            is_registered=False,
            tracking_problem="",
            version=1,
            created_at=FIRST,
        )
        for line_id, _ in random.sample(held, random.randint(1, len(held))):
            self._insert("package_line", package_id=package_id, line_id=line_id, quantity=1)
