"""Everything that is read: scoped by the caller, bounded, from one moment where it is joined."""

from collections.abc import Sequence

from oms.domain.accounts import Merchant, Partnership, Token, Vendor
from oms.domain.catalog import Hosting, Product
from oms.domain.imports import BrokenRow, ImportRun
from oms.domain.jobs import Job
from oms.domain.ledger import PendingReason
from oms.domain.planning import in_order
from oms.domain.principals import Principal, Role
from oms.domain.stores import QuarantinedOrder, Store, SyncRun
from oms.domain.views import AllocationView, OrderView
from oms.domain.write_backs import WriteBack
from oms.storage import (
    accounts,
    allocation_views,
    catalog,
    hostings,
    import_runs,
    jobs,
    order_views,
    stores,
    write_backs,
)
from oms.storage.allocation_views import AllocationFilter
from oms.storage.catalog import ProductFilter
from oms.storage.jobs import JobFilter
from oms.storage.order_filter import OrderFilter, Peculiarity, Sorting
from oms.storage.order_page import PageKey
from oms.storage.write_backs import WriteBackFilter
from oms.usecases.context import Oms, Transaction
from oms.usecases.import_orders import as_seen
from oms.usecases.place_orders import Placement

__all__ = [
    "AllocationFilter",
    "JobFilter",
    "OrderFilter",
    "PageKey",
    "Peculiarity",
    "ProductFilter",
    "Sorting",
    "WriteBackFilter",
]


def list_orders(
    oms: Oms, wanted: OrderFilter, after: PageKey | None, limit: int
) -> list[OrderView]:
    """Return orders, sorted as wanted, after a page's last key."""
    return order_views.page(oms.db, wanted, after, limit)


def count_orders(oms: Oms, merchant_id: str, store_id: str) -> tuple[dict[str, int], int]:
    """Return the orders per tag, and the number of quarantined ones."""
    counts = order_views.count_by_tag(oms.db, merchant_id, store_id)
    return counts, stores.quarantined_count(oms.db, merchant_id, store_id)


def get_order(oms: Oms, merchant_id: str, order_id: str) -> OrderView:
    """Return everything about one order; raises NotFound."""
    with oms.db.snapshot():
        return order_views.get(oms.db, merchant_id, order_id)


def get_sync_run(oms: Oms, merchant_id: str, store_id: str, run_id: str) -> SyncRun:
    """Return one run; raises NotFound."""
    return stores.run(oms.db, merchant_id, store_id, run_id)


def list_sync_runs(
    oms: Oms, merchant_id: str, store_id: str, before: str, limit: int
) -> list[SyncRun]:
    """Return a store's runs, newest first; raises NotFound."""
    stores.get(oms.db, merchant_id, store_id)
    return stores.runs(oms.db, merchant_id, store_id, before, limit)


def list_quarantined_orders(
    oms: Oms, merchant_id: str, before: str, limit: int
) -> list[QuarantinedOrder]:
    """Return the orders that could not be taken, newest first."""
    return stores.quarantined_orders(oms.db, merchant_id, before, limit)


def get_import_run(oms: Oms, merchant_id: str, name: str) -> tuple[ImportRun, list[BrokenRow]]:
    """Return an import run as it is, and its first broken rows; raises NotFound."""
    with oms.db.snapshot():
        run = import_runs.get(oms.db, merchant_id, name)
        return as_seen(run, oms.clock.now_ms()), import_runs.broken_rows(oms.db, run.id)


def list_import_runs(
    oms: Oms, merchant_id: str, before: tuple[int, str] | None, limit: int
) -> list[ImportRun]:
    """Return a merchant's import runs, begun last first."""
    now_ms = oms.clock.now_ms()
    return [as_seen(run, now_ms) for run in import_runs.page(oms.db, merchant_id, before, limit)]


def list_write_backs(oms: Oms, wanted: WriteBackFilter, before: str, limit: int) -> list[WriteBack]:
    """Return what stores are told of parcels, newest first."""
    return write_backs.page(oms.db, wanted, before, limit)


def get_store(oms: Oms, merchant_id: str, store_id: str) -> Store:
    """Return one store; raises NotFound."""
    return stores.get(oms.db, merchant_id, store_id)


def list_stores(oms: Oms, merchant_id: str, after: str, limit: int) -> list[Store]:
    """Return stores, oldest first."""
    return stores.page(oms.db, merchant_id, after, limit)


def list_partnerships(oms: Oms, caller: Principal, after: str, limit: int) -> list[Partnership]:
    """Return the caller's partnerships, by the id of the other side."""
    read = (
        accounts.partnerships_of_merchant
        if caller.role == Role.MERCHANT
        else accounts.partnerships_of_vendor
    )
    return read(oms.db, caller.id, after, limit)


def list_products(
    oms: Oms, wanted: ProductFilter, after: tuple[str, str], limit: int
) -> list[Product]:
    """Return products by title."""
    return catalog.products(oms.db, wanted, after, limit)


def get_product(oms: Oms, merchant_id: str, product_id: str) -> tuple[Product, list[Hosting]]:
    """Return one product and its hostings in the order in which they are tried."""
    with oms.db.snapshot():
        product = catalog.product(oms.db, merchant_id, product_id)
        found = {item.id: item for item in hostings.of_product(oms.db, merchant_id, product_id)}
        rules = hostings.rules(oms.db, merchant_id, [product_id]).get(product_id, ())
    return product, [found[rule.id] for rule in in_order(rules)]


def list_unhosted_products(oms: Oms, merchant_id: str) -> list[Product]:
    """Return the products whose lines wait to be hosted, most waiting units first."""
    return catalog.unhosted_products(oms.db, merchant_id)


def products_of_waiting_lines(tx: Transaction, placements: Sequence[Placement]) -> list[Product]:
    """Return the products of the lines that wait for a hosting, most waiting units first."""
    units = {
        line_id: placement.open_units[line_id]
        for placement in placements
        for line_id, reason in placement.plan.waiting.items()
        if reason in (PendingReason.UNHOSTED, PendingReason.COUNTRY_NOT_COVERED)
    }
    return catalog.products_of_lines(tx.db, units)


def get_hosting(oms: Oms, merchant_id: str, hosting_id: str) -> Hosting:
    """Return one hosting; raises NotFound."""
    return hostings.get(oms.db, merchant_id, hosting_id)


def list_hostings(
    oms: Oms, merchant_id: str, wanted: tuple[str, str], before: str, limit: int
) -> list[Hosting]:
    """Return hostings, newest first; `wanted` is (product id, vendor id), empty for all."""
    product_id, vendor_id = wanted
    return hostings.page(
        oms.db,
        merchant_id,
        product_id=product_id,
        vendor_id=vendor_id,
        before=before,
        limit=limit,
    )


def list_allocations(
    oms: Oms, wanted: AllocationFilter, before: str, limit: int
) -> list[AllocationView]:
    """Return a vendor's allocations, newest first."""
    return allocation_views.page(oms.db, wanted, before, limit)


def get_allocation(oms: Oms, vendor_id: str, allocation_id: str) -> AllocationView:
    """Return one allocation with everything; raises NotFound."""
    with oms.db.snapshot():
        return allocation_views.get(oms.db, vendor_id, allocation_id)


def display_name(oms: Oms, caller: Principal) -> str:
    """Return what people call the caller."""
    return accounts.display_name(oms.db, caller.role, caller.id)


def list_merchants(oms: Oms, after: str, limit: int) -> list[Merchant]:
    """Return merchants, oldest first."""
    return accounts.merchants(oms.db, after, limit)


def list_vendors(oms: Oms, after: str, limit: int) -> list[Vendor]:
    """Return vendors, oldest first."""
    return accounts.vendors(oms.db, after, limit)


def list_tokens(oms: Oms, caller: Principal, before: str, limit: int) -> list[Token]:
    """Return tokens, newest first: a vendor its own, the operator all."""
    owner_id = caller.id if caller.role == Role.VENDOR else None
    return accounts.tokens(oms.db, owner_id, before, limit)


def list_jobs(oms: Oms, wanted: JobFilter, before: str, limit: int) -> list[Job]:
    """Return jobs, newest first."""
    return jobs.page(oms.db, oms.clock.now_ms(), wanted, before, limit)
