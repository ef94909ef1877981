"""The example in the help of every command runs as it is, on a real server and what is there.

Only the ids are put in: a reader would put in his own.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.shop import CONSUMER_KEY, CONSUMER_SECRET
from fbali.v1.fulfillment_service_pb2 import ReportPackageEventRequest
from fbali.v1.order_service_pb2 import GetOrderRequest
from fbali.v1.package_pb2 import (
    EXCEPTION_REASON_LOST,
    PACKAGE_STATE_DELIVERED,
    PACKAGE_STATE_EXCEPTION,
)
from tests.functional.estate import Estate, last_id, orders_of
from tests.functional.home import Home
from tests.services.command_line import PROGRAM, SECONDS_MAX, all_verbs, environment_of
from tests.services.order_file_texts import shopify_csv, shopify_rows
from tests.services.pictures import photo
from tests.services.stack import Caller

VERBS = all_verbs()
VENDORS_OWN = {"allocations", "partnerships"}
OPERATORS_OWN = {"merchants", "jobs", "tokens"}
BY_OPERATOR = {"vendors create", "vendors all", "aftersales decide"}
BY_VENDOR = {"aftersales reject", "aftersales offer", "aftersales ask", "aftersales policy set"}

# What the ids of an example stand for, where it is not what the command is for at first.
IDS = {"o0order": "order", "s0store": "store", "u0product": "product", "h0hosting": "hosting"}
IDS |= {"v0vendor": "vendor", "a0allocation": "accepted", "m0merchant": "merchant"}
IDS |= {"t0token": "token", "j0job": "job", "b0writeback": "write_back", "k0case": "submitted_case"}
OTHER_IDS = {
    "orders place": {"o0order": "waiting"},
    "vendors invite": {"v0vendor": "stranger"},
    "vendors resume": {"v0vendor": "suspended"},
    "allocations accept": {"a0allocation": "submitted"},
    "allocations reject": {"a0allocation": "submitted"},
    "allocations answer-cancellation": {"a0allocation": "packed"},
    "allocations void": {"a0allocation": "packed"},
    "allocations report": {"a0allocation": "packed"},
    "partnerships accept": {"m0merchant": "invitation"},
    "aftersales eligible": {"o0order": "claimed_order"},
    "aftersales open": {"o0order": "claimed_order"},
    "aftersales submit": {"k0case": "drafted"},
    "aftersales attach": {"k0case": "drafted"},
    "aftersales photos": {"k0case": "drafted"},
    "aftersales show": {"k0case": "offered"},
    "aftersales accept": {"k0case": "offered"},
    "aftersales counter": {"k0case": "offered"},
    "aftersales decline": {"k0case": "offered"},
    "aftersales answer": {"k0case": "asked"},
    "aftersales escalate": {"k0case": "rejected"},
    "aftersales decide": {"k0case": "escalated"},
    "aftersales resolve": {"k0case": "agreed"},
}
SILENT = {"auth logout"}  # It says what it did beside the data.


def of_home(home: Home, words: str, sample: str) -> str:
    estate: Estate = home.estate
    name = getattr(estate, OTHER_IDS.get(words, {}).get(sample, IDS[sample]))
    if words == "partnerships accept":
        return str(name).split("/")[1]
    return last_id(name)


def caller_of(home: Home, words: str) -> Caller:
    noun = words.partition(" ")[0]
    if noun in OPERATORS_OWN or words in BY_OPERATOR:
        return home.operator
    return home.vendor if noun in VENDORS_OWN or words in BY_VENDOR else home.merchant


def line_of(home: Home, words: str) -> str:
    line = VERBS[words].example
    for sample in IDS:
        line = line.replace(sample, of_home(home, words, sample) if sample in line else sample)
    if words == "aftersales open":
        line = line.replace("MUG-BL", deliver_parcel(home))
    line = line.replace("https://shop.example", home.estate.new_store_url)
    return line.replace("127.0.0.1:7443", f"127.0.0.1:{home.stack.api.port}")


def deliver_parcel(home: Home) -> str:
    """Let what may be claimed arrive; return its SKU."""
    order = home.merchant.call(GetOrderRequest(name=home.estate.claimed_order)).order
    [parcel] = order.allocations[0].packages
    home.vendor.call(ReportPackageEventRequest(name=parcel.name, state=PACKAGE_STATE_DELIVERED))
    [sku] = [line.sku for line in order.lines if line.name == home.estate.claimed_line]
    return str(sku)


def lose_parcel(home: Home) -> str:
    """Bring an order into trouble, for the one who watches out for it."""
    home.vendor.call(
        ReportPackageEventRequest(
            name=home.estate.package,
            state=PACKAGE_STATE_EXCEPTION,
            exception_reason=EXCEPTION_REASON_LOST,
        )
    )
    [order] = [
        order
        for order in orders_of(home.merchant)
        if any(last_id(home.estate.packed) in part.name for part in order.allocations)
    ]
    return last_id(order.name)


@contextlib.contextmanager
def working(home: Home) -> Iterator[None]:
    """Let workers do what the command waits for."""
    workers = home.stack.start_workers()
    try:
        yield
    finally:
        workers.stop()


@pytest.mark.parametrize("words", sorted(VERBS))
def test_example_runs_on_a_real_server(home: Home, words: str, tmp_path: Path):
    caller, line = caller_of(home, words), line_of(home, words)
    if words == "orders watch":
        line = line.replace(last_id(home.estate.order), lose_parcel(home))
    (tmp_path / "token.txt").write_text(caller.secret)
    (tmp_path / "orders_export.csv").write_bytes(shopify_csv(shopify_rows(1)))
    for number, name in enumerate(("broken-box.jpg", "label.png"), start=1):
        (tmp_path / name).write_bytes(photo(number))
    program = tmp_path / "bin" / "fbali"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    own = {} if words == "auth login" else {"FBALI_TOKEN": caller.secret}
    if words not in ("auth login", "auth logout"):
        own["FBALI_SERVER"] = f"127.0.0.1:{home.stack.api.port}"
    environment = environment_of(
        tmp_path, FBALI_CONSUMER_KEY=CONSUMER_KEY, FBALI_CONSUMER_SECRET=CONSUMER_SECRET, **own
    )
    environment["PATH"] = f"{program.parent}:{environment['PATH']}"

    with working(home) if words == "sync" else contextlib.nullcontext():
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    assert (done.returncode, done.stderr if done.returncode else "") == (0, ""), line
    assert done.stdout or words in SILENT, line
    assert "error" not in done.stderr, line
