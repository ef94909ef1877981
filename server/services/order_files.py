"""The methods of OrderService that are about files: import and export."""

from collections.abc import Callable, Iterator

from fbali.v1 import order_service_pb2 as pb
from fbali.v1.import_run_pb2 import ExportFormat as ExportFormatNumber
from fbali.v1.import_run_pb2 import ImportFormat as ImportFormatNumber
from oms.domain.errors import InvalidInput, Violation
from oms.domain.imports import ExportFormat, ImportFormat
from oms.usecases import queries
from oms.usecases.context import Call, Oms
from oms.usecases.export_orders import export_orders
from oms.usecases.import_orders import BeginImport, OrderIntake, begin_import
from server import names
from server.conversion.basics import epoch_ms, word
from server.conversion.imports import (
    EXPORT_FORMAT_PREFIX,
    IMPORT_FORMAT_PREFIX,
    import_run_message,
)
from server.conversion.order_filter import selected_orders
from server.paging import cut_page, page_size, start_key

_HEAD = ("parent", "run_id", "store", "format")


class FileMethods:
    """Import orders, see import runs, export orders."""

    _oms: Oms

    def ImportOrders(self, request: pb.ImportOrdersRequest, call: Call) -> "ImportIntake":
        """Begin to take orders from a file."""
        missing = [name for name in _HEAD if not getattr(request, name)]
        if missing:
            raise InvalidInput(
                [Violation(name, "is missing in the first message") for name in missing]
            )
        [merchant_id] = names.own_ids(request.parent, call.caller)
        _, store_id = names.own_ids(request.store, call.caller)
        exported_ms = epoch_ms(request, "export_time")
        command = BeginImport(
            name=request.run_id,
            store_id=store_id,
            format=ImportFormat(word(ImportFormatNumber, IMPORT_FORMAT_PREFIX, request.format)),
            exported_at=None if exported_ms is None else exported_ms // 1000,
        )
        intake = begin_import(self._oms, merchant_id, command)
        return ImportIntake(intake, lambda: self._import_response(merchant_id, request.run_id))

    def _import_response(self, merchant_id: str, name: str) -> pb.ImportOrdersResponse:
        run, broken = queries.get_import_run(self._oms, merchant_id, name)
        return pb.ImportOrdersResponse(import_run=import_run_message(run, broken))

    def GetImportRun(self, request: pb.GetImportRunRequest, call: Call) -> pb.GetImportRunResponse:
        """Show an import run with its broken rows."""
        merchant_id, name = names.own_ids(request.name, call.caller)
        run, broken = queries.get_import_run(self._oms, merchant_id, name)
        return pb.GetImportRunResponse(import_run=import_run_message(run, broken))

    def ListImportRuns(
        self, request: pb.ListImportRunsRequest, call: Call
    ) -> pb.ListImportRunsResponse:
        """List import runs, newest first."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        key = start_key(request, call.caller)
        before = None if key is None else (key[0], key[1])
        found = queries.list_import_runs(self._oms, merchant_id, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda run: [run.started_at, run.id])
        return pb.ListImportRunsResponse(
            import_runs=[import_run_message(run) for run in page], next_page_token=token
        )

    def ExportOrders(
        self, request: pb.ExportOrdersRequest, call: Call
    ) -> Iterator[pb.ExportOrdersResponse]:
        """Send orders as a file."""
        wanted = selected_orders(request.parent, request.selection, call, self._oms.clock.now_ms())
        kind = ExportFormat(word(ExportFormatNumber, EXPORT_FORMAT_PREFIX, request.format))
        chunks = export_orders(self._oms, wanted, kind)
        return (pb.ExportOrdersResponse(chunk=chunk) for chunk in chunks)


class ImportIntake:
    """Hands the bytes of the messages to the use case; an Intake of the edge."""

    def __init__(self, intake: OrderIntake, answer: Callable[[], pb.ImportOrdersResponse]) -> None:
        """Answer with what `answer` gives at the end."""
        self._intake = intake
        self._answer = answer

    def take(self, request: pb.ImportOrdersRequest) -> Iterator[None]:
        """Take the bytes of a message."""
        return self._intake.take(request.chunk)

    def end(self) -> Iterator[None]:
        """Take what is left."""
        return self._intake.end()

    def answer(self) -> pb.ImportOrdersResponse:
        """Show the run as it ended."""
        return self._answer()

    def rest(self) -> None:
        """Say that the run goes on."""
        self._intake.rest()

    def break_off(self, problem: str) -> None:
        """Mark the run as interrupted."""
        self._intake.break_off(problem)
