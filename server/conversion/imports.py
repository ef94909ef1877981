"""Import runs."""

from collections.abc import Sequence

from fbali.v1.import_run_pb2 import BrokenRow as BrokenRowMessage
from fbali.v1.import_run_pb2 import ImportFormat as ImportFormatNumber
from fbali.v1.import_run_pb2 import ImportRun as ImportRunMessage
from fbali.v1.import_run_pb2 import ImportRunState as ImportRunStateNumber
from oms.domain.imports import BrokenRow, ImportRun
from server import names
from server.conversion.basics import instant, number

IMPORT_FORMAT_PREFIX = "IMPORT_FORMAT_"
EXPORT_FORMAT_PREFIX = "EXPORT_FORMAT_"
STATE_PREFIX = "IMPORT_RUN_STATE_"


def import_run_message(run: ImportRun, broken: Sequence[BrokenRow] = ()) -> ImportRunMessage:
    """Convert an import run."""
    return ImportRunMessage(
        name=names.import_run(run.merchant_id, run.name),
        store=names.store(run.merchant_id, run.store_id),
        format=number(ImportFormatNumber, IMPORT_FORMAT_PREFIX, run.format),
        state=number(ImportRunStateNumber, STATE_PREFIX, run.state),
        line_count=run.line_count,
        order_count=run.order_count,
        created_count=run.created_count,
        changed_count=run.changed_count,
        unchanged_count=run.unchanged_count,
        broken_count=run.broken_count,
        broken_rows=[
            BrokenRowMessage(
                line_number=row.line_number, external_id=row.external_id, problem=row.problem
            )
            for row in broken
        ],
        start_time=instant(run.started_at),
        finish_time=instant(run.finished_at),
        problem_message=run.problem,
    )
