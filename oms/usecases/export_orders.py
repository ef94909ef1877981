"""Orders as a file: batch by batch, none of which keeps anything of the one before."""

from collections.abc import Iterator
from dataclasses import replace

from oms.domain.imports import ExportFormat
from oms.storage import order_export
from oms.storage.order_filter import OrderFilter, Sorting
from oms.storage.order_page import PageKey
from oms.usecases.context import Oms

BATCH_ORDERS_MAX = 100
CHUNK_BYTES_MAX = 512 * 1024


def export_orders(oms: Oms, wanted: OrderFilter, kind: ExportFormat) -> Iterator[bytes]:
    """Give the chunks of a file, oldest order first; between two chunks no transaction is open.

    Each batch is read from one moment, all of them are not: an order that changes its tag or its
    like meanwhile may be missed, none is given twice.
    """
    writer = oms.stores.write_file(kind)
    wanted = replace(wanted, sorting=Sorting.OLDEST)
    after: PageKey | None = None
    head = writer.head()
    if head:
        yield head
    while True:
        with oms.db.snapshot():
            batch = order_export.batch(oms.db, wanted, after, BATCH_ORDERS_MAX)
        oms.db.shed_cache()
        text = b"".join(writer.rows(order) for order in batch)
        for start in range(0, len(text), CHUNK_BYTES_MAX):
            yield text[start : start + CHUNK_BYTES_MAX]
        if len(batch) < BATCH_ORDERS_MAX:
            return
        after = (batch[-1].order.placed_at * 1000, batch[-1].id)
