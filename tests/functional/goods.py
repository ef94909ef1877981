"""Products and orders of the pretend shop that tests know by heart."""

from app.demo.shop_records import Buyer, Item, Order, Product, Variation

EMAIL = "marker-email@example.com"
BUYER = Buyer(
    first_name="Ada",
    last_name="Sample",
    street="1 Market St",
    city="San Francisco",
    region="CA",
    postal_code="94103",
    country_code="US",
    phone="+1 415 555 0100",
    email=EMAIL,
)
LAMP, MAT, MUG = 10, 11, 12
MAT_M, MAT_L = 111, 112
PRICES = {LAMP: "71.23", MAT_M: "83.47", MAT_L: "92.59", MUG: "64.81"}
NAMES = {LAMP: "Lamp", MAT_M: "Mat - M, Red", MAT_L: "Mat - L, Blue", MUG: "Mug"}
SKUS = {LAMP: "LAMP-1", MAT_M: "MAT-M", MAT_L: "MAT-L", MUG: "MUG-1"}


def products(now: int) -> list[Product]:
    """A lamp, a mat in two variants, and a mug."""
    at = now - 90_000
    variations = (
        Variation(MAT_M, "M, Red", SKUS[MAT_M], PRICES[MAT_M]),
        Variation(MAT_L, "L, Blue", SKUS[MAT_L], PRICES[MAT_L]),
    )
    return [
        Product(LAMP, "Lamp", SKUS[LAMP], PRICES[LAMP], at, at),
        Product(MAT, "Mat", "MAT", "0.00", at, at, variations=variations),
        Product(MUG, "Mug", SKUS[MUG], PRICES[MUG], at, at),
    ]


def order(
    order_id: int,
    units: dict[int, int],
    *,
    now: int,
    status: str = "processing",
    currency: str = "USD",
    note: str = "",
    is_new: bool = False,
) -> Order:
    """An order for units of products or of variants of the mat, of an hour ago unless it is new."""
    placed_at = now if is_new else now - 3600 + order_id % 1000
    return Order(
        id=order_id,
        status=status,
        currency=currency,
        created_at=placed_at,
        modified_at=placed_at,
        buyer=BUYER,
        items=tuple(
            item(order_id * 10 + position, kind, quantity)
            for position, (kind, quantity) in enumerate(units.items())
        ),
        paid_at=None if status == "pending" else placed_at,
        completed_at=placed_at if status == "completed" else None,
        note=note,
    )


def item(line_id: int, kind: int, quantity: int) -> Item:
    """A line of an order."""
    is_mat = kind in (MAT_M, MAT_L)
    ids = (line_id, MAT if is_mat else kind, kind if is_mat else 0)
    return Item(*ids, NAMES[kind], SKUS[kind], PRICES[kind], quantity)
