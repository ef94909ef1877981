"""Reports, rates and scorecards as people and programs see them; charts are opened again."""

import csv
import io
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from fbali.cli.bars import Bars
from fbali.cli.main import run
from fbali.v1.order_service_pb2 import GetSalesReportResponse
from fbali.v1.sales_report_pb2 import REPORT_GROUPING_PRODUCT, SalesRow
from tests.services.command_line import environment_of, run_on_terminal, run_process
from tests.services.sample_answers import sample_answers
from tests.services.sample_figures import row
from tests.services.sample_shop import TOKEN
from tests.services.scripted_server import ScriptedServer

SALES = ["reports", "sales", "--by", "product", "--from", "2026-11-01", "--to", "2026-11-30"]
SALES += ["--currency", "eur"]


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)


def test_days_are_whole_days_in_utc_and_the_last_one_is_part_of_it(server, environment):
    assert run(SALES, environment) == 0

    [request] = server.requests("GetSalesReport")
    assert request.placed_from_time.ToJsonString() == "2026-11-01T00:00:00Z"
    assert request.placed_before_time.ToJsonString() == "2026-12-01T00:00:00Z"
    assert (request.grouping, request.currency_code) == (REPORT_GROUPING_PRODUCT, "EUR")


def test_programs_get_every_figure_and_people_the_remarks(server, environment, capsys):
    assert run([*SALES, "-o", "csv"], environment) == 0

    written = capsys.readouterr()
    head, lamp, mat, rest, total = csv.reader(io.StringIO(written.out))
    values = dict(zip(head, lamp, strict=True))
    assert values["PRODUCT"] == "Lamp $5 off $9"
    assert (values["SALES"], values["PRODUCT COSTS"], values["MARGIN"]) == (
        "1000.00",
        "400.00",
        "590.50",
    )
    assert values["DELIVERY MINUTES"] == str((5 * 24 + 4) * 60)
    assert mat[0] == "'=Mat\\x1b[31m"  # Neither a formula nor an escape sequence.
    assert (rest[0], total[0], total[head.index("MARGIN")]) == ("unattributed", "total", "")
    assert "Left out for want of a rate USD/EUR: sales 99.00 USD of 3 orders" in written.err
    assert "█" not in written.out


def test_terminal_shows_bars_without_colour_if_none_is_wanted(server, environment):
    shown = run_on_terminal(SALES, {**environment, "NO_COLOR": "1"}, columns=140)

    assert shown.exit_code == 0
    assert "\x1b[3" not in shown.stdout
    lines = [line for line in shown.stdout.splitlines() if line.startswith(("Lamp", "=Mat"))]
    assert [line.count("█") for line in lines] == [16, 4]
    assert "rate missing" in shown.stdout


def test_terminal_without_blocks_gets_plain_signs(server, environment):
    shown = run_on_terminal(
        SALES, {**environment, "NO_COLOR": "1", "PYTHONIOENCODING": "ascii"}, columns=140
    )

    lines = [line for line in shown.stdout.splitlines() if line.startswith(("Lamp", "=Mat"))]
    assert [line.count("#") for line in lines] == [16, 4]


@pytest.mark.parametrize(
    ("value", "greatest", "bar"),
    [
        (0, 10, ""),
        (-5, 10, ""),
        (10, 10, "██"),
        (5, 10, "█"),
        (1, 1000, "▏"),
        (9, 16, "█▏"),
        (5, 0, ""),
    ],
)
def test_bar_is_as_long_as_the_share(value, greatest, bar):
    assert Bars(is_unicode=True, width=2).bar(value, greatest) == bar


def test_table_is_saved_as_csv(server, environment, tmp_path, capsys):
    file = tmp_path / "sales.csv"

    assert run([*SALES, "--save", str(file)], environment) == 0

    rows = list(csv.reader(file.read_text("utf-8").splitlines()))
    assert [one[0] for one in rows] == [
        "PRODUCT",
        "Lamp $5 off $9",
        "'=Mat\\x1b[31m",
        "unattributed",
        "total",
    ]
    assert "Saved" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["product", "day"])
def test_chart_is_a_picture(server, environment, tmp_path, by):
    if by == "day":
        days = [row(f"2026-11-{day:02}", f"2026-11-{day:02}", 100 * day, 50) for day in (1, 2, 9)]
        server.script("GetSalesReport", GetSalesReportResponse(rows=days, total=SalesRow()))
    png, svg = tmp_path / "sales.png", tmp_path / "sales.svg"
    words = [by if word == "product" else word for word in SALES]

    assert run([*words, "--save", str(png)], environment) == 0
    assert run([*words, "--save", str(svg)], environment) == 0

    content = png.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert width == 1500
    assert height > 300
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_file_that_cannot_be_saved_is_refused_before_the_server_is_asked(
    server, environment, capsys
):
    assert run([*SALES, "--save", "sales.xlsx"], environment) == 2

    assert "name it .csv, .png or .svg" in capsys.readouterr().err
    assert not server.requests("GetSalesReport")


def test_chart_without_its_library_says_how_to_install_it(server, environment, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert run([*SALES, "--save", "sales.png"], environment) == 2

    assert "pip install 'fbali[charts]'" in capsys.readouterr().err
    assert not server.requests("GetSalesReport")


def test_report_alone_loads_no_library_for_charts(server, environment):
    code = "import sys; from fbali.cli.main import run; import os;"
    code += f"run({SALES!r}, dict(os.environ)); print('matplotlib' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stderr.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    "words", [["--from", "2026-12-01"], ["--currency", "EURO"], ["--from", "yesterday"]]
)
def test_period_or_currency_that_cannot_be_is_refused(server, environment, words):
    assert run([*SALES, *words], environment) == 2

    assert not server.requests("GetSalesReport")


def test_rate_is_recorded_since_a_time(server, environment, capsys):
    words = ["exchange-rates", "set", "eur", "usd", "1.0834", "--since", "2026-11-01"]

    assert run(words, environment) == 0

    [request] = server.requests("SetExchangeRate")
    rate = request.exchange_rate
    assert (rate.base_currency_code, rate.quote_currency_code, rate.rate) == (
        "EUR",
        "USD",
        "1.0834",
    )
    assert rate.HasField("effective_time")
    assert request.request_id
    assert capsys.readouterr().out.splitlines()[1].startswith("EUR\t1.0834\tUSD\t")


def test_scorecard_shows_what_was_measured_and_nothing_else(server, environment):
    words = ["vendors", "scorecard", "v1", "--from", "2026-11-01", "--to", "2026-11-30"]

    done = run_process(words, environment)

    assert done.stdout.splitlines()[1].split("\t") == [
        *("Shenzhen Source", "200", "180", "4.5%", "0.0%", "1h 30m", "1d 6h"),
        *("", "", "", "", "9d 0h", "14d 0h", "v1"),
    ]
    [request] = server.requests("GetVendorScorecard")
    assert request.vendor == "vendors/v1"
