"""Products and variants: taken over from stores, and read for the merchant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oms.domain.catalog import Product, Variant
from oms.domain.errors import NotFound
from oms.domain.ids import IdKind, new_id
from oms.domain.money import Money
from oms.domain.snapshots import (
    SKU_PREFIX,
    TITLE_PREFIX,
    LineSnapshot,
    ProductSnapshot,
    VariantSnapshot,
)
from oms.domain.stores import Store
from oms.storage.database import Database, Row, marks

VariantKey = tuple[str, str]  # The store's ids of product and variant; the latter may be empty.

UNHOSTED_PRODUCTS_MAX = 500


@dataclass(frozen=True, slots=True)
class VariantIds:
    """Our ids of a variant, and whether its units are shipped."""

    product_id: str
    variant_id: str
    needs_shipping: bool


def apply_products(
    db: Database, store: Store, products: Sequence[ProductSnapshot], now_ms: int
) -> None:
    """Insert or update products with their variants; one that a product lost is kept."""
    known = _product_ids(db, store.id, [product.external_id for product in products])
    ids = {
        product.external_id: known.get(product.external_id) or new_id(IdKind.PRODUCT, now_ms)
        for product in products
    }
    db.many(
        "INSERT INTO product (id, merchant_id, store_id, external_id, title, sku, search_text,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store_id, external_id)"
        " DO UPDATE SET title = excluded.title, sku = excluded.sku,"
        " search_text = excluded.search_text, updated_at = excluded.updated_at",
        [
            (
                ids[product.external_id],
                store.merchant_id,
                store.id,
                product.external_id,
                product.title,
                product.sku,
                _search_text(product),
                now_ms,
            )
            for product in products
        ],
    )
    db.many(
        "INSERT INTO variant (id, product_id, external_id, title, sku, price_minor, currency,"
        " needs_shipping) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (product_id, external_id)"
        " DO UPDATE SET title = excluded.title, sku = excluded.sku,"
        " price_minor = excluded.price_minor, currency = excluded.currency,"
        " needs_shipping = excluded.needs_shipping",
        [
            _variant_row(ids[product.external_id], variant, now_ms)
            for product in products
            for variant in product.variants
        ],
    )


def variant_ids(
    db: Database, store: Store, lines: Iterable[LineSnapshot], now_ms: int
) -> dict[VariantKey, VariantIds]:
    """Find the variants that order lines name.

    A line that names its product by SKU or title gets the only variant of that SKU (or the only
    product of that title) in the store, else in the merchant's whole catalogue. What is still
    missing (unknown, ambiguous, not pulled yet, or deleted since) is added with what the line says
    of it, so that it can be hosted.
    """
    wanted = {(line.product_id, line.variant_id): line for line in lines if line.product_id}
    found = _variants_of(db, store.id, sorted({key[0] for key in wanted}))
    by_words = [line for key, line in wanted.items() if key not in found and line.is_by_words]
    if by_words:
        found |= _variants_by_words(db, store, by_words)
    missing = [line for key, line in wanted.items() if key not in found]
    if missing:
        _add_missing(db, store, missing, now_ms)
        found |= _variants_of(db, store.id, sorted({key[0] for key in wanted}))
    return found


_BY_WORDS = (
    "SELECT {word}, p.store_id, p.id, v.id, v.needs_shipping FROM variant v"
    " JOIN product p ON p.id = v.product_id WHERE {word} IN ({marks}) AND p.merchant_id = ?"
)


def _variants_by_words(
    db: Database, store: Store, lines: Sequence[LineSnapshot]
) -> dict[VariantKey, VariantIds]:
    """Find the variants of lines by SKU, or by title where they have none, if only one fits."""
    candidates: dict[str, list[Row]] = {}
    for word, prefix in (("v.sku", SKU_PREFIX), ("p.title", TITLE_PREFIX)):
        keys = [line.product_id for line in lines if line.product_id.startswith(prefix)]
        words = [key.removeprefix(prefix) for key in keys]
        sql = _BY_WORDS.format(word=word, marks=marks(words))
        for row in db.all(sql, *words, store.merchant_id) if words else ():
            candidates.setdefault(prefix + row[0], []).append(row)
    found: dict[VariantKey, VariantIds] = {}
    for key, rows in candidates.items():
        fitting = [row for row in rows if row[1] == store.id] or rows
        if len(fitting) == 1:
            _, _, product_id, variant_id, needs_shipping = fitting[0]
            found[key, ""] = VariantIds(product_id, variant_id, bool(needs_shipping))
    return found


def _add_missing(db: Database, store: Store, lines: list[LineSnapshot], now_ms: int) -> None:
    known = _product_ids(db, store.id, [line.product_id for line in lines])
    by_product: dict[str, list[LineSnapshot]] = {}
    for line in lines:
        by_product.setdefault(line.product_id, []).append(line)
    unknown = [
        ProductSnapshot(product_id, group[0].title, group[0].sku, (), 0)
        for product_id, group in by_product.items()
        if product_id not in known
    ]
    apply_products(db, store, unknown, now_ms)
    known |= _product_ids(db, store.id, [product.external_id for product in unknown])
    db.many(
        "INSERT INTO variant (id, product_id, external_id, title, sku, price_minor, currency,"
        " needs_shipping) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            _variant_row(
                known[line.product_id],
                VariantSnapshot(
                    line.variant_id, line.title, line.sku, line.price, line.needs_shipping
                ),
                now_ms,
            )
            for line in lines
        ],
    )


def _product_ids(db: Database, store_id: str, external_ids: Sequence[str]) -> dict[str, str]:
    rows = db.all(
        "SELECT external_id, id FROM product WHERE store_id = ?"
        f" AND external_id IN ({marks(external_ids)})",
        store_id,
        *external_ids,
    )
    return {row[0]: row[1] for row in rows}


def _variants_of(
    db: Database, store_id: str, product_external_ids: Sequence[str]
) -> dict[VariantKey, VariantIds]:
    rows = db.all(
        "SELECT p.external_id, v.external_id, p.id, v.id, v.needs_shipping"
        " FROM product p JOIN variant v ON v.product_id = p.id WHERE p.store_id = ?"
        f" AND p.external_id IN ({marks(product_external_ids)})",
        store_id,
        *product_external_ids,
    )
    return {(row[0], row[1]): VariantIds(row[2], row[3], bool(row[4])) for row in rows}


def _variant_row(product_id: str, variant: VariantSnapshot, now_ms: int) -> Row:
    price = variant.price
    return (
        new_id(IdKind.VARIANT, now_ms),
        product_id,
        variant.external_id,
        variant.title,
        variant.sku,
        None if price is None else price.amount_minor,
        "" if price is None else price.currency,
        variant.needs_shipping,
    )


def _search_text(product: ProductSnapshot) -> str:
    words = [product.title, product.sku, *(variant.sku for variant in product.variants)]
    return " ".join(dict.fromkeys(word for word in words if word)).casefold()


# --- Reading ----------------------------------------------------------------------------------

_PRODUCT = (
    "SELECT p.id, p.merchant_id, p.store_id, p.external_id, p.title, p.sku,"
    " (SELECT COUNT(*) FROM hosting h WHERE h.product_id = p.id AND h.state = 'ACTIVE'),"
    # Only lines of admitted orders are given a reason to wait.
    " (SELECT COALESCE(SUM(l.open_units), 0) FROM order_line l WHERE l.product_id = p.id"
    " AND l.open_units > 0 AND l.pending_reason <> '') FROM product p"
)


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products: of one store or (empty) all, whose title or SKU contains `text`."""

    merchant_id: str
    store_id: str = ""
    text: str = ""


def products(
    db: Database, wanted: ProductFilter, after: tuple[str, str], limit: int
) -> list[Product]:
    """Return products by (title, id), after that key, which is empty at first."""
    pattern = "%" + _escape_like(wanted.text.casefold()) + "%"
    rows = db.all(
        f"{_PRODUCT} WHERE p.merchant_id = ? AND (? = '' OR p.store_id = ?)"
        " AND p.search_text LIKE ? ESCAPE '!' AND (p.title, p.id) > (?, ?)"
        " ORDER BY p.title, p.id LIMIT ?",
        wanted.merchant_id,
        wanted.store_id,
        wanted.store_id,
        pattern,
        *after,
        limit,
    )
    return _with_variants(db, rows)


def product(db: Database, merchant_id: str, product_id: str) -> Product:
    """Read one product; raises NotFound."""
    rows = db.all(f"{_PRODUCT} WHERE p.id = ? AND p.merchant_id = ?", product_id, merchant_id)
    if not rows:
        raise NotFound.of(f"merchants/{merchant_id}/products/{product_id}")
    return _with_variants(db, rows)[0]


def unhosted_products(db: Database, merchant_id: str) -> list[Product]:
    """Return the products whose lines wait to be hosted, most waiting units first."""
    waiting = db.all(
        "SELECT l.product_id, SUM(l.open_units) FROM product p JOIN order_line l"
        " ON l.product_id = p.id WHERE p.merchant_id = ? AND l.open_units > 0"
        " AND l.pending_reason IN ('UNHOSTED', 'COUNTRY_NOT_COVERED')"
        " GROUP BY l.product_id ORDER BY 2 DESC, 1 LIMIT ?",
        merchant_id,
        UNHOSTED_PRODUCTS_MAX,
    )
    ids = [row[0] for row in waiting]
    rows = db.all(f"{_PRODUCT} WHERE p.id IN ({marks(ids)})", *ids)
    found = {product.id: product for product in _with_variants(db, rows)}
    return [found[product_id] for product_id in ids if product_id in found]


def products_of_lines(db: Database, units: Mapping[str, int]) -> list[Product]:
    """Return the products of lines, those with the most of the given units first."""
    found = db.all(
        f"SELECT id, product_id FROM order_line WHERE id IN ({marks(tuple(units))})", *units
    )
    waiting: dict[str, int] = {}
    for line_id, product_id in found:
        waiting[product_id] = waiting.get(product_id, 0) + units[line_id]
    rows = db.all(f"{_PRODUCT} WHERE p.id IN ({marks(tuple(waiting))})", *waiting)
    return sorted(_with_variants(db, rows), key=lambda product: -waiting[product.id])


def _with_variants(db: Database, rows: Sequence[Row]) -> list[Product]:
    ids = [row[0] for row in rows]
    variants: Mapping[str, list[Variant]] = {product_id: [] for product_id in ids}
    for row in db.all(
        "SELECT id, product_id, external_id, title, sku, price_minor, currency FROM variant"
        f" WHERE product_id IN ({marks(ids)}) ORDER BY title, id",
        *ids,
    ):
        price = None if row[5] is None else Money(row[6], row[5])
        variants[row[1]].append(Variant(row[0], row[1], row[2], row[3], row[4], price))
    return [
        Product(
            id=row[0],
            merchant_id=row[1],
            store_id=row[2],
            external_id=row[3],
            title=row[4],
            sku=row[5],
            variants=tuple(variants[row[0]]),
            hosting_count=int(row[6]),
            waiting_unit_count=int(row[7]),
        )
        for row in rows
    ]


def _escape_like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
