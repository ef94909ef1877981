"""The program `fbali` as merchants, vendors and scripts run it."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fbali.cli.terminal_text import cell_width
from fbali.v1.order_service_pb2 import GetSyncRunResponse
from tests.services.command_line import (
    PROGRAM,
    all_verbs,
    environment_of,
    run_on_terminal,
    run_process,
)
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import TOKEN, sync_run
from tests.services.scripted_server import ScriptedServer

ORDER_ID = "o01jd9z5zq8k3v6t2r4w7x9y1af"


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)


@pytest.fixture
def stranger(tmp_path):
    """An environment without server and token."""
    return environment_of(tmp_path)


def test_login_keeps_server_and_token_until_logout(server, stranger, tmp_path):
    login = run_process(["auth", "login", "--server", server.address], stranger, TOKEN + "\n")
    status = run_process(["auth", "status"], stranger)
    logout = run_process(["auth", "logout"], stranger)
    after = run_process(["auth", "status"], stranger)

    assert (login.exit_code, status.exit_code, logout.exit_code, after.exit_code) == (0, 0, 0, 4)
    assert status.stdout == (
        "Shenzhen Source  vendor\n"
        "  Id              vendors/v01jd9z5zq8k3v6t2r4w7x9y1ab\n"
        f"  Server          {server.address}, version 0.1.0\n"
        "  Token from      profile default\n"
        "  The server can  store.woocommerce\n"
    )
    assert after.stderr == f"error: not logged in to {server.address}; run: fbali auth login\n"
    assert stat.S_IMODE((tmp_path / "fbali" / "tokens.toml").stat().st_mode) == 0o600


def test_login_with_a_wrong_token_keeps_nothing(server, stranger, tmp_path):
    login = run_process(["auth", "login", "--server", server.address], stranger, "wrong")

    assert (login.exit_code, login.stdout) == (4, "")
    assert login.stderr == "error: the token is not known; run: fbali auth login\n"
    assert not (tmp_path / "fbali").exists()


def test_example_of_login_runs_in_a_shell(server, stranger, tmp_path):
    (tmp_path / "token.txt").write_text(TOKEN)
    (tmp_path / "fbali-program").write_text(f'#!/bin/sh\nexec {sys.executable} -m fbali.cli "$@"\n')
    (tmp_path / "fbali-program").chmod(0o755)
    example = all_verbs()["auth login"].example.replace("127.0.0.1:7443", server.address)

    done = subprocess.run(
        ["sh", "-c", example.replace("fbali ", "./fbali-program ", 1)],
        cwd=tmp_path,
        env=stranger,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0


def test_token_is_asked_for_on_a_terminal_and_not_shown(server, stranger):
    arguments = ["auth", "login", "--server", server.address]

    done = run_on_terminal(arguments, stranger, typed=[TOKEN])

    assert done.exit_code == 0
    assert f"Token for {server.address}:" in done.stdout
    assert "Logged in" in done.stdout
    assert TOKEN not in done.stdout


def test_orders_in_a_pipe_are_values_and_counts_are_words(environment):
    done = run_process(["orders", "list"], environment)

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split("\t") == [
        "ORDER",
        "STATUS",
        "PLACED",
        "CUSTOMER",
        "TO",
        "UNITS",
        "TOTAL",
        "VENDORS",
        "ID",
    ]
    assert lines[1].split("\t")[:4] == [
        "1043",
        "pending",
        "2026-11-23T12:00:00+01:00",
        "Eve\\x1b]0;owned\\x07 \\x1b[31m\\u202etxet\\n[bold]x[/bold]",
    ]
    assert lines[1].split("\t")[6] == "12.345 KWD"
    assert lines[3].split("\t")[6] == "5400 JPY"
    assert done.stderr.splitlines() == [
        (
            "all 214  pending 3  processing 12  in transit 40  exception 2  delivered 150"
            "  not admitted 9  ended 8"
        ),
        "1 more could not be taken; see: fbali orders quarantined",
    ]


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_orders_on_a_terminal_fit_and_keep_their_ids(environment, columns):
    done = run_on_terminal(["orders", "list"], environment, columns=columns)

    lines = without_styles(done.stdout).splitlines()
    assert done.exit_code == 0
    assert max(map(cell_width, lines)) <= columns
    assert lines[0].startswith("all 214  pending 3")
    assert ORDER_ID in done.stdout
    assert "PLACED (CET)" in done.stdout
    assert "2026-11-17 12:00" in done.stdout
    assert ("UNITS" in done.stdout) == (columns == 160)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_left_out_when_it_is_not_wanted(environment, variables):
    plain = run_on_terminal(["orders", "list"], {**environment, **variables})
    coloured = run_on_terminal(["orders", "list"], environment)

    assert "\x1b[3" not in plain.stdout
    assert "\x1b[31mexception" in coloured.stdout


def test_text_of_a_customer_cannot_reach_the_terminal(environment):
    for arguments in (["orders", "list"], ["orders", "list", "-o", "json"]):
        for columns in (80, 200):
            done = run_on_terminal(arguments, environment, columns=columns)
            assert "\x1b]0;" not in done.stdout
            assert "\x07" not in done.stdout
            assert "\u202e" not in done.stdout


def test_order_shows_all_that_the_product_promises(environment):
    done = run_process(["orders", "show", ORDER_ID], environment)

    expected = Path(__file__).with_name("order_shown.txt").read_text(encoding="utf-8")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == expected


@pytest.mark.parametrize("columns", [80, 100])
def test_order_on_a_terminal_fits(environment, columns):
    done = run_on_terminal(["orders", "show", ORDER_ID], environment, columns=columns)

    shown = without_styles(done.stdout)
    assert done.exit_code == 0
    assert max(map(cell_width, shown.splitlines())) <= columns
    for promised in (
        "Vendor: Shenzhen Source",
        "Vendor: Tokyo Lights",
        "Total recorded  7.35 USD",
        "exception: customs",
        "2026-11-22 13:00  delivered",
        "Costs of all vendors  7.35 USD + 1800 JPY",
    ):
        assert promised in shown


def test_json_is_one_document_with_the_names_of_the_contract(environment):
    done = run_process(["orders", "list", "-o", "json"], environment)

    found = json.loads(done.stdout)
    assert done.stderr == ""
    assert list(found) == ["orders", "next_page_token", "counts", "quarantined_count"]
    assert found["orders"][1]["shipping_status"] == "SHIPPING_STATUS_EXCEPTION"
    assert found["orders"][1]["total"] == {"currency_code": "EUR", "amount_minor": "8620"}
    assert found["orders"][0]["customer_name"].startswith("Eve\x1b]0;")


def test_names_may_be_ids_or_full(server, environment):
    for name in ("o1", "merchants/-/orders/o1", "merchants/m1/orders/o1"):
        assert run_process(["orders", "show", name], environment).exit_code == 0

    sent = [request.name for request in server.requests("GetOrder")]
    assert sent == ["merchants/-/orders/o1", "merchants/-/orders/o1", "merchants/m1/orders/o1"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["orders", "show", "vendors/v/orders/o1"],
            (
                "error: Invalid value for 'ORDER': 'vendors/v/orders/o1' is no order; write"
                " merchants/-/orders/{order} or the last part of it; see: fbali orders show --help"
            ),
        ),
        (
            ["orders", "show"],
            "error: Missing argument 'ORDER'; see: fbali orders show --help",
        ),
        (
            ["hosting", "create", "p1", "v1", "--unit-cost", "1.5 JPY"],
            (
                "error: Invalid value for '--unit-cost': '1.5 JPY' is too precise: JPY has no"
                " decimals; see: fbali hosting create --help"
            ),
        ),
        (
            ["stores", "connect", "https://shop.example"],
            (
                "error: the store's key is missing: set FBALI_CONSUMER_KEY and"
                " FBALI_CONSUMER_SECRET, or name a --credentials-file;"
                " see: fbali stores connect --help"
            ),
        ),
        (
            ["stores", "disconnect", "s1"],
            (
                "error: Disconnect Mugs and more (https://mugs.example)? Add --yes to do it without"
                " being asked; see: fbali stores disconnect --help"
            ),
        ),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_wrong_command_line_is_told_in_one_line(environment, arguments, line):
    done = run_process(arguments, environment)

    assert (done.exit_code, done.stdout, done.stderr) == (2, "", line + "\n")


def test_key_of_a_store_comes_from_environment_or_file(server, environment, tmp_path):
    (tmp_path / "key.toml").write_text('consumer_key = "ck_f"\nconsumer_secret = "cs_f"\n')
    connect = ["stores", "connect", "https://shop.example"]

    by_file = run_process([*connect, "--credentials-file", str(tmp_path / "key.toml")], environment)
    variables = {"FBALI_CONSUMER_KEY": "ck_e", "FBALI_CONSUMER_SECRET": "cs_e"}
    by_environment = run_process(connect, environment | variables)

    assert (by_file.exit_code, by_environment.exit_code) == (0, 0)
    sent = [(one.consumer_key, one.consumer_secret) for one in server.requests("ConnectStore")]
    assert sent == [("ck_f", "cs_f"), ("ck_e", "cs_e")]


def test_key_of_a_store_is_asked_for_on_a_terminal(server, environment):
    done = run_on_terminal(
        ["stores", "connect", "https://shop.example"], environment, typed=["ck_t", "cs_t"]
    )

    sent = server.requests("ConnectStore")[0]
    assert (done.exit_code, sent.consumer_key, sent.consumer_secret) == (0, "ck_t", "cs_t")


@pytest.mark.parametrize(("answer", "exit_code", "count"), [("y", 0, 1), ("n", 1, 0)])
def test_person_is_asked_before_what_cannot_be_undone(
    server, environment, answer, exit_code, count
):
    done = run_on_terminal(["jobs", "discard", "j1"], environment, typed=[answer])

    assert done.exit_code == exit_code
    assert len(server.requests("DiscardJob")) == count


def test_no_input_never_asks(server, environment):
    done = run_on_terminal(["jobs", "discard", "j1", "--no-input"], environment)

    assert (done.exit_code, server.calls) == (2, [])


def test_lines_of_a_parcel_are_named_by_sku(server, environment):
    arguments = ["allocations", "ship", "a1", "RX1", "--line", "SZ-4471=1", "--handed-over"]

    assert run_process(arguments, environment).exit_code == 0

    sent = server.requests("CreatePackage")[0]
    assert [(line.line[-2:], line.quantity) for line in sent.lines] == [("l1", 1)]
    assert sent.handed_over


@pytest.mark.parametrize(
    ("parcel", "exit_code"), [([], 0), (["RX123456789CN"], 0), (["k1"], 0), (["RX9"], 2)]
)
def test_parcel_is_named_by_number_or_id_or_not_at_all(server, environment, parcel, exit_code):
    arguments = ["allocations", "report", "a1", *parcel, "--state", "delivered"]

    assert run_process(arguments, environment).exit_code == exit_code

    names = [one.name for one in server.requests("ReportPackageEvent")]
    assert [name.rpartition("/")[2] for name in names] == ["k1"][: 1 - exit_code // 2]


def test_hosting_is_changed_only_where_it_was_said(server, environment):
    arguments = ["hosting", "update", "h1", "--priority", "1", "--paused"]

    assert run_process(arguments, environment).exit_code == 0

    sent = server.requests("UpdateHosting")[0].hosting
    assert (sent.priority, sent.state, sent.etag) == (1, 2, "h-1")
    assert (list(sent.region_codes), sent.unit_cost.amount_minor) == (["DE", "US"], 420)


def test_interrupted_sync_goes_on_at_the_server(server, environment):
    server.script("GetSyncRun", GetSyncRunResponse(sync_run=sync_run("RUNNING")))
    process = subprocess.Popen(
        # A shell makes what it starts in the background deaf to Ctrl-C; env undoes that.
        ["env", "--default-signal=INT", *PROGRAM, "sync"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    while not server.requests("GetSyncRun"):
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)

    assert process.returncode == 130
    assert stdout == b""
    assert b"The sync goes on at the server" in stderr
    assert b"Traceback" not in stderr


def test_sync_on_a_terminal_draws_a_bar(server, environment):
    done = run_on_terminal(["sync"], {**environment, "NO_COLOR": "1"}, columns=80)

    assert done.exit_code == 0
    assert "done, read 120 orders" in done.stdout
    assert "QUARANTINED" in done.stdout


def test_reader_that_stops_reading_is_no_error(environment):
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [*PROGRAM, "orders", "list", "-o", "json"],
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    os.close(reader)
    _, stderr = process.communicate(timeout=30)

    assert stderr == ""


def test_name_that_the_terminal_cannot_write_does_not_stop_a_list(environment):
    done = run_process(["orders", "list"], environment | {"PYTHONIOENCODING": "latin-1:strict"})

    assert done.exit_code == 0
    assert "\\u7530" in done.stdout


def without_styles(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
