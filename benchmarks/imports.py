"""A file of orders through ImportOrders into a server of its own, and what that one grows by."""

import csv
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare import BareDatabase
from benchmarks.databases import Databases, copied
from benchmarks.processes import READY_SECONDS_MAX, free_address, program
from benchmarks.report import Spread, Table, rate_ratio
from benchmarks.scene import open_oms, set_scene
from benchmarks.sync import pages_of_rows
from fbali.client import Client
from fbali.errors import Unavailable
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.import_run_pb2 import EXPORT_FORMAT_JSON_LINES, IMPORT_FORMAT_SHOPIFY_CSV
from fbali.v1.order_service_pb2 import ExportOrdersRequest, ImportOrdersRequest
from tests.services.order_file_texts import SHOPIFY_TITLES, shopify_rows

HEAD = (
    "file of",
    "ours, orders/s",
    "bare csv and inserts, orders/s",
    "ours / bare",
    "again, orders/s",
    "export, orders/s",
    "server grows by",
)
_LEGEND = (
    "Shopify's order export with 1.5 rows an order over ImportOrders into a server of its own, with"
    " the shipped client; then the same file again, which changes nothing, and all of it back as"
    " JSON lines. Raw limit: the file read by the csv module, then the same rows inserted by the"
    " bare driver, a transaction per 100 orders. The server's growth is from before the first"
    " import to its highest resident size after the export."
)
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Run:
    import_seconds: float
    again_seconds: float
    export_seconds: float
    bare_seconds: float
    growth_bytes: int


def measure_imports(kind: Databases, orders: int, runs: int) -> Table:
    """Import so many orders into an empty database, again and again."""
    with TemporaryDirectory(prefix="fbali-bench-file-") as folder:
        path = Path(folder) / "orders.csv"
        _write(path, orders)
        found = [_measure(kind, path) for _ in range(runs)]
    ours = Spread.of([orders / run.import_seconds for run in found])
    bare = Spread.of([orders / run.bare_seconds for run in found])
    growth = Spread.of([run.growth_bytes / _MEBIBYTE for run in found])
    row = [
        f"{orders:,} orders",
        str(ours),
        str(bare),
        rate_ratio(ours, bare),
        str(Spread.of([orders / run.again_seconds for run in found])),
        str(Spread.of([orders / run.export_seconds for run in found])),
        f"{growth} MiB",
    ]
    return Table(f"Import a file, {kind.name}", _LEGEND, HEAD, [row])


def _write(path: Path, orders: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, SHOPIFY_TITLES)
        writer.writeheader()
        for number in range(orders):
            skus = [f"SKU-{number % 500}", f"SKU-{number % 400}"][: 1 + number % 2]
            writer.writerows(shopify_rows(number, skus, Notes="first\nsecond line"))


def _measure(kind: Databases, path: Path) -> _Run:
    url = kind.new()
    people = set_scene(open_oms(url), "https://shop.example")
    people.oms.db.close()
    listen = free_address()
    with copied(kind, url) as bare_copy:
        with (
            program("app.main", "api", listen=listen, database_url=url) as process,
            Client(listen, token=people.secrets[0]) as client,
        ):
            _wait(client)
            before = _memory(process.pid, "VmRSS")
            seconds = _seconds(client, f"merchants/-/stores/{people.store.id}", path)
            growth = _memory(process.pid, "VmHWM") - before
        bare_seconds = _bare(url, bare_copy, path)
    kind.drop(url)
    return _Run(*seconds, bare_seconds, growth)


def _wait(client: Client) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        try:
            client.admin.GetServerInfo(GetServerInfoRequest())
        except Unavailable:
            assert time.monotonic() < deadline, "the server does not answer"
        else:
            return


def _seconds(client: Client, store: str, path: Path) -> tuple[float, float, float]:
    """Return the seconds of an import, of the same one again, and of an export."""
    imports = []
    for run in ("first", "again"):
        head = ImportOrdersRequest(
            parent="merchants/-", run_id=run, store=store, format=IMPORT_FORMAT_SHOPIFY_CSV
        )
        started = time.perf_counter()
        with path.open("rb") as file:
            taken = client.import_orders(head, file)
        imports.append(time.perf_counter() - started)
        assert taken.broken_count == 0
    request = ExportOrdersRequest(parent="merchants/-", format=EXPORT_FORMAT_JSON_LINES)
    started = time.perf_counter()
    for _ in client.export_orders(request):
        pass
    return imports[0], imports[1], time.perf_counter() - started


def _memory(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(field)]
    return int(kilobytes) * 1024


def _bare(url: str, copy: str, path: Path) -> float:
    """Read the file and insert what the import wrote, without looking at it."""
    started = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass
    seconds = time.perf_counter() - started
    oms = open_oms(url)
    bare = BareDatabase(copy)
    with oms.db.session():
        seconds += sum(map(bare.write, pages_of_rows(oms.db)))
    oms.db.close()
    bare.close()
    return seconds
