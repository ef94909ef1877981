"""Vendors export what is left to pack and ship a file of parcels, as often as they like."""

import csv
import io
import json

import grpc
import pytest

from fbali.cli.exit_codes import ExitCode
from fbali.cli.main import run
from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1.package_pb2 import PACKAGE_STATE_VOIDED, Package
from tests.services.command_line import environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import mug_allocation
from tests.services.scripted_server import Refusal, ScriptedServer

HEADER = "allocation,tracking_number,carrier_code,sku,quantity\n"
TAKEN = Refusal(grpc.StatusCode.ALREADY_EXISTS, "X1 is live elsewhere", "RESOURCE_ALREADY_EXISTS")


class Shop:
    """Keeps what it is told, as the real one does."""

    def __init__(self) -> None:
        self.allocation = mug_allocation()
        del self.allocation.packages[:]
        self.allocation.lines[0].quantity = 9
        self.allocation.lines[0].packed_quantity = 0
        self.allocation.lines.add(
            line=self.allocation.lines[0].line + "2", sku="=LAMP", quantity=2, packed_quantity=1
        )

    def get(self, request):
        return fulfillment.GetAllocationResponse(allocation=self.allocation)

    def create(self, request):
        return fulfillment.BatchCreatePackagesResponse(
            results=[self._create(parcel) for parcel in request.packages]
        )

    def _create(self, parcel):
        package = Package(tracking_number=parcel.tracking_number, lines=parcel.lines)
        self.allocation.packages.append(package)
        for sent in parcel.lines:
            for line in self.allocation.lines:
                line.packed_quantity += sent.quantity if line.line == sent.line else 0
        return fulfillment.PackageResult(allocation=parcel.allocation, package=package)


def parcels_sent(server):
    return [one for call in server.requests("BatchCreatePackages") for one in call.packages]


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def server(shop):
    answers = {**sample_answers(), "GetAllocation": shop.get, "BatchCreatePackages": shop.create}
    with ScriptedServer(answers) as server:
        yield server


@pytest.fixture
def ship(server, tmp_path, capsys):
    """Ships a file and gives exit code and rows."""
    environment = environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")
    file = tmp_path / "tracking.csv"

    def ship(content, *options):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        arguments = ["allocations", "ship", "--csv", str(file), "-o", "json", *options]
        code = run(arguments, environment)
        captured = capsys.readouterr()
        rows = json.loads(captured.out)["rows"] if captured.out else captured.err
        return code, rows

    return ship


def fates(rows):
    return [(row["line"], row["result"]) for row in rows]


def test_rows_of_a_parcel_are_one_call_and_the_file_again_changes_nothing(server, ship):
    content = (
        HEADER + "a1,X1,3011,MUG-BLUE,2\n" + "a1,X2,,SZ-4471,1\n" + "a1,X1,,'=LAMP,1\na1,,,,\n"
    )

    first = ship(content)
    second = ship(content)

    assert (first[0], fates(first[1])) == (0, [(2, "sent"), (4, "sent"), (3, "sent")])
    assert (second[0], {row["result"] for row in second[1]}) == (0, {"already done"})
    assert {row["words"] for row in second[1]} == {""}
    sent = parcels_sent(server)
    assert len(server.requests("BatchCreatePackages")) == 1
    assert [
        (one.tracking_number, one.carrier_code, [line.quantity for line in one.lines])
        for one in sent
    ] == [("X1", "3011", [2, 1]), ("X2", "", [1])]


def test_file_of_a_thousand_parcels_is_a_call_per_five_hundred(server, shop, ship):
    shop.allocation.lines[0].quantity = 2_000
    rows = [f"a1,X{number},,MUG-BLUE,1\n" for number in range(1_001)]

    code, found = ship(HEADER + "".join(rows))

    assert (code, {row["result"] for row in found}) == (0, {"sent"})
    calls = server.requests("BatchCreatePackages")
    assert [len(call.packages) for call in calls] == [500, 500, 1]
    assert len({call.request_id for call in calls}) == 3
    assert len(server.requests("GetAllocation")) == 1


def test_many_allocations_are_read_from_the_list(server, shop, ship):
    listed = fulfillment.ListAllocationsResponse()
    for number in range(30):
        allocation = listed.allocations.add()
        allocation.CopyFrom(shop.allocation)
        allocation.name = f"vendors/v1/allocations/a{number}"
    server.script("ListAllocations", listed)

    code, _ = ship(HEADER + "".join(f"a{number},X{number},,MUG-BLUE,1\n" for number in range(30)))

    assert code == 0
    assert server.requests("GetAllocation") == []
    assert len(server.requests("ListAllocations")) == 1


def test_one_that_fails_does_not_stop_the_others(ship):
    content = (
        HEADER
        + "a1,X1,,MUG-BLUE,1\na1,X2,,NONE,1\na1,X3,,MUG-BLUE,0\na1,X4,,,5\n"
        + "a1,1.2E+11,,MUG-BLUE,1\na1,X5,a,MUG-BLUE,1\na1,X5,b,MUG-BLUE,1\na b,X6,,MUG-BLUE,1\n"
        + ",X7,,,\na1,X8,,MUG-BLUE,1\n"
    )

    code, rows = ship(content)

    assert code == 7
    assert [row["line"] for row in rows if row["result"] == "sent"] == [2, 11]
    assert [row["line"] for row in rows if row["result"] == "failed"] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "'NONE' names no line" in rows[1]["words"]
    assert "a spreadsheet shortened the tracking number" in rows[4]["words"]


def test_server_refuses_in_its_own_words(server, shop, ship):
    def refuse_first(request):
        answer = shop.create(request)
        answer.results[0].ClearField("package")
        answer.results[0].refusal_reason = "RESOURCE_ALREADY_EXISTS"
        answer.results[0].refusal_message = "X1 is live elsewhere"
        return answer

    server.script("BatchCreatePackages", refuse_first)

    code, rows = ship(HEADER + "a1,X1,,MUG-BLUE,1\na1,X2,,MUG-BLUE,1\n")

    assert (code, fates(rows)) == (7, [(2, "failed"), (3, "sent")])
    assert rows[0]["words"] == "X1 is live elsewhere"


def test_batch_that_is_refused_as_a_whole_fails_row_by_row(server, ship):
    server.script("BatchCreatePackages", TAKEN)

    code, rows = ship(HEADER + "a1,X1,,MUG-BLUE,1\na1,X2,,MUG-BLUE,1\n")

    assert (code, {row["words"] for row in rows}) == (1, {"X1 is live elsewhere"})


def test_parcel_that_somebody_announced_meanwhile_counts_as_done(server, shop, ship):
    other = Package(tracking_number="X1")
    result = fulfillment.PackageResult(package=other, existed=True)
    server.script("BatchCreatePackages", fulfillment.BatchCreatePackagesResponse(results=[result]))

    code, rows = ship(HEADER + "a1,X1,,MUG-BLUE,1\n")

    assert (code, fates(rows)) == (0, [(2, "already done")])
    assert rows[0]["words"] == "it was announced with other contents than the file says"


def test_voided_parcel_is_not_announced_again(server, shop, ship):
    shop.allocation.packages.add(tracking_number="X1", state=PACKAGE_STATE_VOIDED)

    code, rows = ship(HEADER + "a1,X1,,MUG-BLUE,1\n")

    assert (code, fates(rows)) == (1, [(2, "failed")])
    assert parcels_sent(server) == []


def test_dry_run_sends_nothing_and_counts_what_would_be_left(server, ship):
    content = HEADER + "a1,X1,,MUG-BLUE,8\na1,X2,,,\na1,X3,,,\n"

    code, rows = ship(content, "--dry-run")

    assert (code, fates(rows)) == (7, [(2, "would be sent"), (3, "would be sent"), (4, "failed")])
    assert [row["words"] for row in rows] == [
        "8 x MUG-BLUE",
        "1 x MUG-BLUE, 1 x =LAMP",
        "nothing is left to pack",
    ]
    assert parcels_sent(server) == []


def test_away_server_is_not_asked_for_ever(server, ship):
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, "away", retry_after_seconds=60)
    server.script("GetAllocation", refusal)

    code, rows = ship(HEADER + "".join(f"a{n},X{n},,,\n" for n in range(5)))

    assert code == 1
    assert [row["result"] for row in rows] == ["failed"] * 3 + ["not tried"] * 2


def test_wrong_token_is_one_error(server, ship):
    server.script("GetAllocation", Refusal(grpc.StatusCode.UNAUTHENTICATED, "no"))

    code, error = ship(HEADER + "a1,X1,,,\n")

    assert code == ExitCode.DENIED
    assert "fbali auth login" in error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "has no column allocation and tracking_number"),
        ("allocation,sku\na,b\n", "has no column tracking_number"),
        (HEADER, "has no row with a tracking_number"),
        ("allocation,tracking_number,sku,sku\n", "the column sku twice"),
        (HEADER.encode("utf-16"), "is not UTF-8"),
        (HEADER + 'a1,"X', "is no CSV"),
    ],
)
def test_file_that_is_none_is_refused_as_a_whole(server, ship, content, words):
    code, error = ship(content)

    assert code == ExitCode.USAGE
    assert words in error
    assert server.calls == []


def test_file_of_a_spreadsheet_with_semicolons_is_read(ship):
    content = "\ufeff" + HEADER.replace(",", ";") + "a1;X1;;MUG-BLUE;1\r\n"

    assert ship(content)[0] == 0


@pytest.mark.parametrize(
    "arguments", [[], ["a1"], ["a1", "X", "--dry-run"], ["a1", "--csv", "-"], ["--csv", "missing"]]
)
def test_ship_needs_a_parcel_or_a_file(tmp_path, arguments):
    assert run(["allocations", "ship", *arguments], environment_of(tmp_path)) == ExitCode.USAGE


def test_export_is_filled_in_and_shipped(server, shop, ship, tmp_path, capsys):
    answer = fulfillment.ListAllocationsResponse(allocations=[shop.allocation])
    server.script("ListAllocations", answer)
    environment = environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")

    assert run(["allocations", "export"], environment) == 0

    text = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["sku"], row["quantity"]) for row in rows] == [("MUG-BLUE", "9"), ("'=LAMP", "1")]
    assert [request.states[:] for request in server.requests("ListAllocations")] == [[1, 2, 3]]
    filled = io.StringIO(newline="")
    writer = csv.DictWriter(filled, rows[0].keys())
    writer.writeheader()
    writer.writerows(row | {"tracking_number": "X9"} for row in rows)
    code, found = ship(filled.getvalue())
    assert (code, fates(found)) == (0, [(2, "sent"), (3, "sent")])
    assert len(parcels_sent(server)) == 1
