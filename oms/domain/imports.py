"""Files of orders: what they may be, and how far one has come. Instants are epoch milliseconds."""

from dataclasses import dataclass
from enum import StrEnum

from oms.domain.snapshots import OrderSnapshot

BROKEN_ROWS_SHOWN_MAX = 1_000  # Of one run; all are counted.


class ImportFormat(StrEnum):
    """What an imported file is."""

    JSON_LINES = "JSON_LINES"
    SHOPIFY_CSV = "SHOPIFY_CSV"


class ExportFormat(StrEnum):
    """What an exported file is."""

    CSV = "CSV"
    JSON_LINES = "JSON_LINES"


class ImportRunState(StrEnum):
    """How far an import run has come."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    INTERRUPTED = "INTERRUPTED"  # Broken off; the same file under the same name finishes it.


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row of a file that could not be taken; `external_id` is empty when it could not be read."""

    line_number: int
    external_id: str
    problem: str


@dataclass(frozen=True, slots=True)
class FileOrder:
    """An order of a file, and the line on which it begins."""

    line_number: int
    order: OrderSnapshot


@dataclass(frozen=True, slots=True)
class ImportRun:
    """One file of orders under its merchant's name for it.

    `attempt` grows whenever the run is begun (again); whoever works for an older one is refused.
    """

    id: str
    merchant_id: str
    name: str
    store_id: str
    format: ImportFormat
    state: ImportRunState
    attempt: int
    line_count: int
    order_count: int
    created_count: int
    changed_count: int
    unchanged_count: int
    broken_count: int
    problem: str
    heard_at: int
    started_at: int
    finished_at: int | None
