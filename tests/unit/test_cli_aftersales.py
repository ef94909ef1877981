"""Cases are opened, shown and answered; what is typed is read exactly."""

import json

import click
import pytest

from fbali.cli.case_terms import Claim, Way, read_claim, terms_of
from fbali.cli.main import run
from fbali.v1.after_sales_policy_pb2 import ISSUE_TYPE_DAMAGED
from fbali.v1.after_sales_service_pb2 import CheckEligibilityResponse, GetCaseResponse
from fbali.v1.case_pb2 import (
    CASE_ACTION_ACCEPT,
    CASE_STATE_OFFERED,
    CASE_STATE_SUBMITTED,
    RESOLUTION_MODE_OTHER,
    RESOLUTION_MODE_PARTIAL_REFUND,
    RESOLUTION_MODE_RESEND_PARTS,
    Case,
    CaseItem,
)
from fbali.v1.money_pb2 import Money
from tests.services.command_line import environment_of, run_on_terminal
from tests.services.sample_answers import sample_answers
from tests.services.sample_cases import CASE, MUG_LINE, MUG_PACKAGE, damaged_case
from tests.services.sample_shop import ORDER, TOKEN
from tests.services.scripted_server import ScriptedServer

TWO_ITEMS = Case(items=[CaseItem(number=1), CaseItem(number=2)])


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)


# --- What is typed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "claim"),
    [
        ("M-1=2,damaged,full-refund", Claim("M-1", "", 2, "damaged", Way("full-refund"))),
        (
            "M-1@RX1=1,lost,partial-refund,5.00 USD",
            Claim("M-1", "RX1", 1, "lost", Way("partial-refund", "5.00 USD")),
        ),
        ("A=B=3,lost,resend-all", Claim("A=B", "", 3, "lost", Way("resend-all"))),
        (
            "M=1,other,other,send a card, x=1,y",
            Claim("M", "", 1, "other", Way("other", "send a card, x=1,y")),
        ),
        ("M=9,damaged,resend-parts,2", Claim("M", "", 9, "damaged", Way("resend-parts", "2"))),
    ],
)
def test_claim_is_read(typed, claim):
    assert read_claim(typed) == claim


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("MUG", "write LINE=UNITS,TYPE,MODE"),
        ("MUG=0,damaged,full-refund", "write LINE=UNITS,TYPE,MODE"),
        ("MUG=1,broken,full-refund", "'broken' is no type of issue"),
        ("MUG=1,damaged,refund", "'refund' settles nothing"),
        ("MUG=1,damaged,partial-refund", "write partial-refund,AMOUNT"),
        ("MUG=1,damaged,full-refund,5 USD", "full-refund takes no value"),
        ("MUG=1,damaged,partial-refund,5", "is not an amount with a currency"),
        ("MUG=1,damaged,partial-refund,0 USD", "gives nothing back"),
        ("MUG=1,damaged,partial-refund,-1 USD", "gives nothing back"),
        ("MUG=1,damaged,resend-parts,some", "'some' is no number of units"),
        ("MUG=1,damaged,other", "write other,WORDS"),
    ],
)
def test_unclear_claim_is_refused_before_any_call(server, environment, capsys, typed, problem):
    words = ["aftersales", "open", "o1", "--item", typed, "--description", "x"]

    assert run(words, environment) == 2

    assert problem in capsys.readouterr().err
    assert server.calls == []


def test_term_without_an_item_is_for_all_of_them():
    terms = terms_of(TWO_ITEMS, ["resend-parts,3"])

    assert [(one.item, one.mode, one.quantity) for one in terms] == [
        (1, RESOLUTION_MODE_RESEND_PARTS, 3),
        (2, RESOLUTION_MODE_RESEND_PARTS, 3),
    ]


def test_terms_are_in_the_order_of_the_items():
    first, second = terms_of(TWO_ITEMS, ["2=other,a = b", "1=partial-refund,5 JPY"])

    assert (first.item, first.amount) == (1, Money(currency_code="JPY", amount_minor=5))
    assert (second.item, second.mode, second.note) == (2, RESOLUTION_MODE_OTHER, "a = b")


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (["1=resend-all"], "no term for item 2"),
        (["resend-all", "1=full-refund"], "item 1 has more than one term"),
        (["3=resend-all"], "there is no item '3' (the case has: 1, 2)"),
        (["x=resend-all"], "there is no item 'x'"),
        ([], "no term for item 1, 2"),
    ],
)
def test_terms_that_do_not_fit_the_items_are_refused(typed, problem):
    with pytest.raises(click.UsageError) as refusal:
        terms_of(TWO_ITEMS, typed)

    assert problem in refusal.value.message


# --- Opening ----------------------------------------------------------------------------------


def test_case_is_opened_with_full_names(server, environment, capsys):
    item = "MUG-BL@RX123456789CN=1,damaged,partial-refund,5.00 EUR"
    words = ["--item", item, "--description", "in pieces"]

    assert run(["aftersales", "open", ORDER, *words], environment) == 0

    [request] = server.requests("CreateCase")
    [sent] = request.items
    assert (request.order, request.description) == (ORDER, "in pieces")
    assert (sent.line, sent.package, sent.quantity) == (MUG_LINE, MUG_PACKAGE, 1)
    assert (sent.type, sent.mode) == (ISSUE_TYPE_DAMAGED, RESOLUTION_MODE_PARTIAL_REFUND)
    assert sent.amount == Money(currency_code="EUR", amount_minor=500)
    assert "fbali aftersales submit" in capsys.readouterr().err
    assert server.requests("SubmitCase") == []


def test_case_is_opened_and_submitted_at_once(server, environment, capsys):
    words = ["--item", "MUG-BL=1,damaged,full-refund", "--description", "x", "--submit"]

    assert run(["aftersales", "open", ORDER, *words, "-o", "json"], environment) == 0

    [request] = server.requests("SubmitCase")
    assert (request.name, request.etag) == (CASE, "7")
    [case] = json.loads(capsys.readouterr().out)["cases"]
    assert case["state"] == "CASE_STATE_OFFERED"


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("HAT=1,lost,resend-all", "'HAT' names no line of this order (it has: MUG-BL)"),
        ("MUG-BL@RX0=1,lost,resend-all", "'RX0' names no parcel of this order"),
    ],
)
def test_unknown_line_or_parcel_opens_nothing(server, environment, capsys, item, problem):
    words = ["--item", item, "--description", "x"]

    assert run(["aftersales", "open", ORDER, *words], environment) == 2

    assert problem in capsys.readouterr().err
    assert server.requests("CreateCase") == []


@pytest.mark.parametrize("words", [[], ["--description", "x"], ["--item", "M=1,lost,resend-all"]])
def test_nobody_is_asked_where_nobody_is(server, environment, capsys, words):
    assert run(["aftersales", "open", ORDER, *words], environment) == 2

    assert "nobody can be asked; say --item and --description" in capsys.readouterr().err
    assert server.calls == []


def test_terminal_guides_through_a_case(server, environment):
    # One unit, damaged, partial refund; an amount that is none is asked for again.
    typed = ["1", "1", "2", "five", "5.00 EUR", "in pieces"]

    done = run_on_terminal(["aftersales", "open", ORDER], environment, typed=typed)

    assert done.exit_code == 0, done.stdout
    assert "'five' is not an amount" in done.stdout
    assert "2 x Enamel mug (SKU MUG-BL, Shenzhen Source, parcel" in done.stdout
    assert "damaged (needs 1 photos)" in done.stdout
    assert "cannot be claimed: in a case already" in done.stdout
    [request] = server.requests("CreateCase")
    [sent] = request.items
    assert (sent.quantity, sent.type) == (1, ISSUE_TYPE_DAMAGED)
    assert sent.amount == Money(currency_code="EUR", amount_minor=500)
    assert request.description == "in pieces"


def test_nothing_claimed_opens_no_case(server, environment):
    done = run_on_terminal(["aftersales", "open", ORDER], environment, typed=["0"])

    assert done.exit_code == 1
    assert "nothing is claimed; no case was opened" in done.stdout
    assert server.requests("CreateCase") == []


# --- Showing ----------------------------------------------------------------------------------


def test_case_is_shown_with_what_was_proposed_and_said(environment, capsys):
    assert run(["aftersales", "show", CASE], environment) == 0

    text = capsys.readouterr().out
    assert "Case of order 1042" in text
    assert "item 1: partial refund of 5.00 EUR" in text
    assert "Half of it?" in text
    assert f"You may: fbali aftersales accept | counter {CASE.rpartition('/')[2]}" in text


def test_eligibility_says_what_can_be_claimed_and_why_not(environment, capsys):
    assert run(["aftersales", "eligible", ORDER], environment) == 0

    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert ["not", "received", "delivered,", "as", "tracking", "says"] in [row[:6] for row in rows]
    assert any(row[:2] == ["damaged", "yes"] for row in rows)
    assert f"in a case already: {CASE.rpartition('/')[2]}" in text


def test_order_without_units_is_said(server, environment, capsys):
    server.script("CheckEligibility", CheckEligibilityResponse())

    assert run(["aftersales", "eligible", ORDER], environment) == 0

    assert "The order has no units." in capsys.readouterr().out


def test_list_is_filtered(server, environment, capsys):
    words = ["--state", "offered", "--overdue", "--waiting-for", "merchant", "--vendor", "v1"]

    assert run(["aftersales", "list", *words, "-o", "jsonl"], environment) == 0

    [request] = server.requests("ListCases")
    assert list(request.states) == [CASE_STATE_OFFERED]
    assert (request.overdue_only, request.waiting_for, request.vendor) == (True, 1, "vendors/v1")
    assert json.loads(capsys.readouterr().out)["order_number"] == "1042"


# --- Answering --------------------------------------------------------------------------------


def test_merchant_accepts_the_offer_that_was_read(server, environment):
    assert run(["aftersales", "accept", CASE, "--yes"], environment) == 0

    [request] = server.requests("AcceptOffer")
    assert (request.name, request.etag) == (CASE, "7")
    assert request.request_id
    assert server.requests("AcceptCase") == []


def test_vendor_accepts_what_was_asked(server, environment):
    asked = damaged_case()
    asked.state = CASE_STATE_SUBMITTED
    asked.allowed_actions[:] = [CASE_ACTION_ACCEPT]
    server.script("GetCase", GetCaseResponse(case=asked))

    assert run(["aftersales", "accept", CASE, "--yes"], environment) == 0

    assert len(server.requests("AcceptCase")) == 1
    assert server.requests("AcceptOffer") == []


def test_agreement_is_confirmed_with_what_it_comes_to(server, environment):
    done = run_on_terminal(["aftersales", "accept", CASE], environment, typed=["n"])

    assert done.exit_code == 1
    assert "Agree to item 1: partial refund of 5.00 EUR?" in done.stdout
    assert server.requests("AcceptOffer") == []


@pytest.mark.parametrize(
    ("words", "method"),
    [
        (["reject", CASE, "--reason", "delivered", "--note", "see tracking"], "RejectCase"),
        (["offer", CASE, "--term", "resend-all"], "OfferResolution"),
        (["counter", CASE, "--term", "1=full-refund"], "CounterOffer"),
        (["decline", CASE], "DeclineOffer"),
        (["ask", CASE, "Which side?"], "RequestInfo"),
        (["answer", CASE, "The left one"], "ProvideInfo"),
        (["say", CASE, "Hello"], "AddMessage"),
        (["escalate", CASE], "EscalateCase"),
        (["decide", CASE, "--uphold", "--yes"], "DecideCase"),
        (["decide", CASE, "--dismiss", "--yes"], "DecideCase"),
        (["withdraw", CASE, "--yes"], "WithdrawCase"),
        (["resolve", CASE, "--yes"], "ResolveCase"),
        (["submit", CASE], "SubmitCase"),
    ],
)
def test_every_answer_is_sent_once(server, environment, words, method):
    assert run(["aftersales", *words], environment) == 0

    [request] = server.requests(method)
    assert request.name == CASE
    assert request.request_id


@pytest.mark.parametrize("words", [["withdraw"], ["resolve"], ["accept"], ["decide", "--uphold"]])
def test_what_cannot_be_undone_needs_a_yes(server, environment, capsys, words):
    assert run(["aftersales", words[0], CASE, *words[1:]], environment) == 2

    assert "Add --yes" in capsys.readouterr().err
    assert {call.method for call in server.calls} <= {"GetCase"}


def test_dismissal_takes_no_terms(server, environment, capsys):
    words = ["decide", CASE, "--dismiss", "--term", "full-refund", "--yes"]

    assert run(["aftersales", *words], environment) == 2

    assert "--dismiss takes no terms" in capsys.readouterr().err
    assert server.calls == []
