"""`fbali aftersales` against the real server, as merchant, vendor and operator use it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fbali.cli.exit_codes import ExitCode
from fbali.cli.main import run
from fbali.v1.case_pb2 import Case
from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest
from fbali.v1.package_pb2 import PACKAGE_STATE_DELIVERED
from tests.functional import goods
from tests.functional.claimed import Claimed, ship
from tests.functional.estate import (
    allocations_of,
    connect,
    host,
    last_id,
    orders_of,
    products_of,
)
from tests.services.command_line import environment_of
from tests.services.pictures import photo
from tests.services.stack import Caller, Stack

Command = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two photos."""
    paths = [tmp_path / "box.jpg", tmp_path / "label.jpg"]
    for number, path in enumerate(paths):
        path.write_bytes(photo(number))
    return list(map(str, paths))


@pytest.fixture
def fbali(stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `fbali aftersales …` as somebody; gives what it answers as JSON."""

    def command(caller: Caller, *words: str, code: int = 0) -> Any:
        server = f"127.0.0.1:{stack.api.port}"
        environment = environment_of(tmp_path, FBALI_SERVER=server, FBALI_TOKEN=caller.secret)
        ended = run(["aftersales", *words, "-o", "json"], environment)
        written = capsys.readouterr()
        assert (ended, written.err if ended != code else "") == (code, "")
        return json.loads(written.out) if code == 0 else written.err

    return command


@pytest.fixture
def claimed(stack: Stack) -> Claimed:
    return ship(stack)


def deliver_three_products(stack: Stack) -> str:
    """Deliver lamps and mugs of vendor A and mats of vendor B; return the order."""
    now = stack.clock.now_seconds()
    units = {goods.LAMP: 2, goods.MAT_M: 2, goods.MUG: 2}
    stack.shop.store.load(goods.products(now), [goods.order(1001, units, now=now)])
    connect(stack, stack.merchant)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"], products["Mug"])
    host(stack.merchant, stack.vendor_b, products["Mat"])
    stack.work()
    [order] = orders_of(stack.merchant)
    sent = Claimed(stack, order.name)
    for vendor in (stack.vendor_a, stack.vendor_b):
        [part] = allocations_of(vendor)
        request = CreatePackageRequest(
            parent=part.name, tracking_number=f"QUIET-{vendor.id[-6:]}", handed_over=True
        )
        sent.report(vendor, vendor.call(request).package.name, PACKAGE_STATE_DELIVERED)
    return str(order.name)


def open_case(fbali: Command, claimed: Claimed, *words: str) -> str:
    """Open and submit a case about a lamp in one command; return its id."""
    item = ("--item", "LAMP-1=1,not-as-described,full-refund", "--description", "It is green")
    order = last_id(claimed.order)
    [case] = fbali(claimed.merchant, "open", order, *item, *words, "--submit")["cases"]
    assert case["state"] == "CASE_STATE_SUBMITTED"
    return last_id(case["name"])


def test_case_with_two_photos_on_three_products_is_opened_in_one_command(
    stack: Stack, fbali: Command, files: list[str], tmp_path: Path
):
    order = deliver_three_products(stack)
    items = (
        "LAMP-1=1,damaged,full-refund",
        "MUG-1=2,damaged,resend-all",
        "MAT-M=1,damaged,other,x",
    )
    words = [word for item in items for word in ("--item", item)]
    words += [word for file in files for word in ("--photo", file)]

    cases = fbali(
        stack.merchant, "open", last_id(order), *words, "--description", "crushed", "--submit"
    )["cases"]

    by_vendor = {case["vendor"]: case for case in cases}
    assert by_vendor.keys() == {stack.vendor_a.name, stack.vendor_b.name}
    assert {(case["state"], case["photo_count"]) for case in cases} == {("CASE_STATE_SUBMITTED", 2)}
    own, foreign = (by_vendor[vendor.name] for vendor in (stack.vendor_a, stack.vendor_b))
    assert sorted(item["sku"] for item in own["items"]) == ["LAMP-1", "MUG-1"]
    assert own["linked_cases"] == [foreign["name"]]
    for vendor, case, other in (
        (stack.vendor_a, own, foreign),
        (stack.vendor_b, foreign, own),
    ):
        folder = tmp_path / last_id(vendor.name)
        seen = fbali(vendor, "photos", case["name"], "--save", str(folder))["photos"]
        assert [item["file_name"] for item in seen] == ["box.jpg", "label.jpg"]
        assert len(list(folder.iterdir())) == 2
        assert fbali(vendor, "show", case["name"])["case"]["linked_cases"] == []
        for verb in ("show", "photos"):
            assert "not found" in fbali(vendor, verb, other["name"], code=ExitCode.NOT_FOUND)


def test_offer_is_countered_and_what_is_sent_again_ends_the_case(
    claimed: Claimed, fbali: Command, files: list[str]
):
    merchant, vendor = claimed.merchant, claimed.stack.vendor_a
    case = open_case(fbali, claimed, "--photo", files[0])

    fbali(vendor, "ask", case, "How green?")
    fbali(merchant, "answer", case, "Very")
    offered = fbali(vendor, "offer", case, "--term", "partial-refund,2.50 USD", "--note", "half?")
    fbali(merchant, "counter", case, "--term", "resend-all")
    fbali(merchant, "say", case, "The customer is waiting")
    agreed = fbali(vendor, "accept", case, "--yes")["case"]
    [found] = fbali(merchant, "list", "--state", "accepted")["cases"]

    assert offered["case"]["waiting_for"] == "CASE_PARTY_MERCHANT"
    assert (agreed["state"], found["name"]) == ("CASE_STATE_ACCEPTED", agreed["name"])
    parcel = claimed.pack_resend(vendor, Case(name=agreed["name"]))
    claimed.report(vendor, parcel, PACKAGE_STATE_DELIVERED)
    ended = fbali(merchant, "show", case)["case"]
    assert ended["state"] == "CASE_STATE_RESOLVED"
    assert [one["text"] for one in ended["messages"] if one["text"]] == [
        *("How green?", "Very", "half?", "The customer is waiting")
    ]


def test_rejected_case_is_escalated_and_decided(claimed: Claimed, fbali: Command, files: list[str]):
    stack, vendor = claimed.stack, claimed.stack.vendor_a
    case = open_case(fbali, claimed, "--photo", files[0])

    fbali(vendor, "reject", case, "--reason", "as-described", "--note", "so it is sold")
    fbali(claimed.merchant, "escalate", case, "--note", "it is not")
    fbali(stack.operator, "decide", case, "--uphold", "--term", "partial-refund,1.50 USD", "--yes")

    ended = fbali(claimed.merchant, "show", case)["case"]
    assert ended["state"] == "CASE_STATE_RESOLVED"
    [item] = ended["items"]
    assert item["refunds"] == [{"currency_code": "USD", "amount_minor": "150"}]


def test_case_is_declined_withdrawn_and_its_units_are_free_again(
    claimed: Claimed, fbali: Command, files: list[str]
):
    merchant, vendor = claimed.merchant, claimed.stack.vendor_a
    case = open_case(fbali, claimed, "--photo", files[0])
    fbali(vendor, "offer", case, "--term", "other,a voucher")

    declined = fbali(merchant, "decline", case, "--note", "no vouchers")["case"]
    withdrawn = fbali(merchant, "withdraw", case, "--yes")["case"]

    states = [one["state"] for one in (declined, withdrawn)]
    assert states == ["CASE_STATE_SUBMITTED", "CASE_STATE_WITHDRAWN"]
    units = fbali(merchant, "eligible", last_id(claimed.order))["units"]
    assert sum(unit["quantity"] for unit in units if unit["sku"] == "LAMP-1") == 4
    assert {unit["blocker"] for unit in units} == {"CLAIM_BLOCKER_UNSPECIFIED"}


def test_vendor_sets_the_policy_and_the_merchant_sees_it(
    claimed: Claimed, fbali: Command, files: list[str]
):
    merchant, vendor = claimed.merchant, claimed.stack.vendor_a
    words = ["--answer-within", "48", "--evidence", "not-as-described=2", "--trust-customer"]

    fbali(vendor, "policy", "set", last_id(merchant.name), *words)
    seen = fbali(merchant, "policy", "show", last_id(vendor.name))["policy"]
    denied = fbali(
        merchant, "policy", "set", vendor.id, "--answer-within", "1", code=ExitCode.DENIED
    )
    item = ("--item", "LAMP-1=1,not-as-described,full-refund", "--description", "green")
    photos = ("--photo", files[0], "--submit")
    refused = fbali(
        merchant, "open", last_id(claimed.order), *item, *photos, code=ExitCode.CONFLICT
    )

    assert (seen["answer_hours"], seen["not_received_when_delivered"]) == (48, True)
    assert (seen["claim_days_after_delivery"], seen["reply_hours"]) == (30, 168)
    needed = {rule["type"]: rule.get("photo_count_min", 0) for rule in seen["evidence"]}
    assert needed["ISSUE_TYPE_NOT_AS_DESCRIBED"] == 2
    assert "is for operator or vendor" in denied
    assert "photo" in refused
    [draft] = fbali(merchant, "list", "--state", "draft")["cases"]
    assert draft["photo_count"] == 1


def test_file_that_is_no_photo_leaves_the_draft_and_says_how_to_go_on(
    claimed: Claimed, fbali: Command, tmp_path: Path
):
    page = tmp_path / "page.jpg"
    page.write_text("<!doctype html>")
    item = ("--item", "LAMP-1=1,damaged,full-refund", "--description", "broken")

    told = fbali(
        *(claimed.merchant, "open", last_id(claimed.order), *item),
        *("--photo", str(page), "--submit"),
        code=ExitCode.USAGE,
    )

    [draft] = fbali(claimed.merchant, "list")["cases"]
    assert (draft["state"], draft.get("photo_count", 0)) == ("CASE_STATE_DRAFT", 0)
    assert "no JPEG, PNG or WebP" in told
