"""Shows products, hostings, and why a product goes to which vendor."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Fields, Heading, Note, Table, Tone, Word
from fbali.cli.views.values import last_part, moment, money
from fbali.cli.views.words import word
from fbali.v1.hosting_pb2 import Hosting, HostingState
from fbali.v1.hosting_service_pb2 import ExplainHostingResponse, GetProductResponse
from fbali.v1.product_pb2 import Product

_PRODUCT_COLUMNS = [
    Column("PRODUCT", flexible=True),
    Column("SKU", spare=1),
    Column("VARIANTS", right=True, spare=2),
    Column("HOSTINGS", right=True),
    Column("WAITING", right=True),
    Column("ID"),
]
_HOSTING_COLUMNS = [
    Column("PRODUCT", flexible=True),
    Column("VENDOR", flexible=True),
    Column("STATE"),
    Column("COUNTRIES", flexible=True, spare=3),
    Column("PRIORITY", right=True, spare=2),
    Column("UNIT COST", right=True, spare=1),
    Column("SHIPPING", right=True, spare=4),
    Column("ID"),
]


def product_list(products: Iterable[Product], empty: str) -> Iterator[Block]:
    """Show products with how many vendors host them and how many units wait."""
    rows: list[list[Cell]] = [
        [
            product.title,
            product.sku,
            len(product.variants),
            product.hosting_count,
            _waiting(product),
            last_part(product.name),
        ]
        for product in products
    ]
    yield Table(_PRODUCT_COLUMNS, rows, empty)


def product_document(found: GetProductResponse) -> Iterator[Block]:
    """Show a product, its variants, and its hostings in the order in which they are tried."""
    product = found.product
    yield Heading(product.title)
    yield Fields(
        [
            ("SKU", product.sku),
            ("Store", last_part(product.store)),
            ("Id in the store", product.external_id),
            ("Id", last_part(product.name)),
            ("Units that wait", _waiting(product) if product.waiting_unit_count else None),
        ]
    )
    yield Heading("Variants", level=2)
    columns = [
        Column("VARIANT", flexible=True),
        Column("SKU"),
        Column("PRICE", right=True),
        Column("ID"),
    ]
    yield Table(
        columns,
        [
            [one.title, one.sku, money(one, "price"), last_part(one.name)]
            for one in product.variants
        ],
    )
    yield Heading("Hostings, as they are tried", level=2)
    yield from hosting_list(found.hostings, "No vendor hosts it.")
    if not found.hostings:
        yield Note(f"Host it with: fbali hosting create {last_part(product.name)} VENDOR")


def hosting_list(hostings: Iterable[Hosting], empty: str) -> Iterator[Block]:
    """Show hostings."""
    rows: list[list[Cell]] = [
        [
            hosting.product_title,
            hosting.vendor_display_name,
            word(HostingState, hosting.state),
            ", ".join(hosting.region_codes) or "all",
            hosting.priority,
            money(hosting, "unit_cost"),
            money(hosting, "shipping_cost"),
            last_part(hosting.name),
        ]
        for hosting in hostings
    ]
    yield Table(_HOSTING_COLUMNS, rows, empty)


def hosting_document(hosting: Hosting) -> Iterator[Block]:
    """Show one hosting."""
    yield Heading(hosting.product_title, word(HostingState, hosting.state))
    yield Fields(
        [
            ("Vendor", f"{hosting.vendor_display_name} ({last_part(hosting.vendor)})"),
            ("Product", last_part(hosting.product)),
            ("Variant", last_part(hosting.variant) or "all"),
            ("Countries", ", ".join(hosting.region_codes) or "all"),
            ("Priority", hosting.priority),
            ("Vendor SKU", hosting.vendor_sku),
            ("Bought at", hosting.purchase_url),
            ("Unit cost", money(hosting, "unit_cost")),
            ("Shipping per unit", money(hosting, "shipping_cost")),
            ("Created", moment(hosting, "create_time")),
            ("Id", last_part(hosting.name)),
        ]
    )


def explanation(found: ExplainHostingResponse, region_code: str) -> Iterator[Block]:
    """Say which vendor would get a product for a country, and why the others would not."""
    if found.HasField("chosen"):
        yield Heading(f"To {region_code} it goes to {found.chosen.vendor_display_name}")
    else:
        yield Heading(f"To {region_code} nobody sends it", Word("it would wait", Tone.WAITING))
    columns = [
        Column("VENDOR", flexible=True),
        Column("FITS"),
        Column("PRIORITY", right=True, spare=1),
        Column("WHY", flexible=True),
        Column("HOSTING"),
    ]
    rows: list[list[Cell]] = [
        [
            verdict.hosting.vendor_display_name,
            Word("yes", Tone.GOOD) if verdict.fits else Word("no", Tone.BAD),
            verdict.hosting.priority,
            verdict.explanation or "chosen",
            last_part(verdict.hosting.name),
        ]
        for verdict in found.verdicts
    ]
    yield Table(columns, rows, "No vendor hosts it.")


def _waiting(product: Product) -> Word:
    count = product.waiting_unit_count
    return Word(str(count), Tone.WAITING if count else Tone.PLAIN)
