"""After-sales under races, stale readers, many cases and hostile requests."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from google.protobuf.message import Message

from fbali.errors import FbaliError
from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1 import case_pb2 as c
from fbali.v1.after_sales_policy_pb2 import ISSUE_TYPE_DAMAGED, ISSUE_TYPE_LOST, ISSUE_TYPE_OTHER
from fbali.v1.eligibility_pb2 import (
    CLAIM_BLOCKER_DELIVERED,
    CLAIM_BLOCKER_IN_OPEN_CASE,
    CLAIM_BLOCKER_SETTLED,
    CLAIM_BLOCKER_UNSPECIFIED,
)
from fbali.v1.order_service_pb2 import CancelOrderRequest
from tests.functional.claimed import UNIT_COST_MINOR, Claimed, ship, term, usd
from tests.functional.test_statement_counts import cost_of
from tests.services.stack import Caller, Stack, dump

FULL, RESEND = c.RESOLUTION_MODE_FULL_REFUND, c.RESOLUTION_MODE_RESEND_ALL
PARTIAL = c.RESOLUTION_MODE_PARTIAL_REFUND
LIST_CASES_MAX = 5  # Who calls, the cases, their items, refunds and resends.
GET_CASE_MAX = 14
CHECK_ELIGIBILITY_MAX = 10
COUNT_CASES_MAX = 3


@pytest.fixture
def claimed(stack: Stack) -> Claimed:
    return ship(stack)


def outcome(caller: Caller, request: Message) -> str:
    try:
        caller.call(request)
    except FbaliError as error:
        return str(error.reason)
    return "OK"


def at_once(*calls: tuple[Caller, Message]) -> list[str]:
    """Make calls that start together; tell what each came to."""
    everybody = Barrier(len(calls))

    def make(call: tuple[Caller, Message]) -> str:
        everybody.wait()
        return outcome(*call)

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(make, calls))


def test_of_two_answers_at_once_one_wins_and_the_other_is_told(claimed: Claimed):
    vendor, merchant = claimed.stack.vendor_a, claimed.merchant
    case = claimed.submit("Lamp", 1)

    outcomes = at_once(
        (vendor, pb.AcceptCaseRequest(name=case.name)),
        (
            vendor,
            pb.RejectCaseRequest(name=case.name, reject_reason=c.CASE_REJECT_REASON_OTHER),
        ),
        (merchant, pb.WithdrawCaseRequest(name=case.name)),
        (vendor, pb.RequestInfoRequest(name=case.name, text="which?", etag=case.etag)),
    )

    assert outcomes.count("OK") >= 1
    assert set(outcomes) <= {"OK", "ILLEGAL_TRANSITION", "ETAG_MISMATCH"}
    after = claimed.read(case)
    refunds = after.items[0].refunds
    assert list(refunds) == ([usd(UNIT_COST_MINOR)] if after.state == c.CASE_STATE_RESOLVED else [])


def test_money_and_units_are_given_once_however_many_race_for_them(claimed: Claimed):
    vendor, merchant = claimed.stack.vendor_a, claimed.merchant
    drafts = [claimed.draft("Lamp", 3) for _ in range(4)]

    submitted = at_once(*((merchant, pb.SubmitCaseRequest(name=item.name)) for item in drafts))

    assert sorted(submitted) == ["OK", *["UNITS_NOT_CLAIMABLE"] * 3]
    winner = drafts[submitted.index("OK")]
    accepted = at_once(*((vendor, pb.AcceptCaseRequest(name=winner.name)) for _ in range(4)))
    assert sorted(accepted) == [*["ILLEGAL_TRANSITION"] * 3, "OK"]
    assert claimed.read_order().cost_totals == [usd(4 * UNIT_COST_MINOR)]


def test_two_cases_race_for_the_last_of_the_money(claimed: Claimed):
    vendor = claimed.stack.vendor_a
    cases = [claimed.submit("Lamp", 2) for _ in range(2)]

    outcomes = at_once(*((vendor, pb.AcceptCaseRequest(name=case.name)) for case in cases))

    assert outcomes == ["OK", "OK"]
    assert claimed.read_order().cost_totals == [usd(3 * UNIT_COST_MINOR)]


def test_stale_policy_is_refused(claimed: Claimed):
    vendor, merchant = claimed.stack.vendor_a, claimed.merchant
    name = f"{merchant.name}/partnerships/{vendor.id}/afterSalesPolicy"
    policy = merchant.call(pb.GetAfterSalesPolicyRequest(name=name)).policy
    assert (policy.etag, policy.answer_hours, len(policy.evidence)) == ("0", 72, 6)
    policy.answer_hours = 5
    assert outcome(merchant, pb.SetAfterSalesPolicyRequest(name=name, policy=policy)) == (
        "ROLE_NOT_ALLOWED"
    )
    drafted = claimed.draft("Lamp", 1)

    outcomes = [
        outcome(vendor, pb.SetAfterSalesPolicyRequest(name=name, policy=policy)) for _ in range(2)
    ]

    assert outcomes == ["OK", "ETAG_MISMATCH"]
    assert claimed.read(drafted).policy.answer_hours == 72
    assert claimed.draft("Lamp", 1).policy.answer_hours == 5
    stranger = claimed.stack.vendor_b
    read = pb.GetAfterSalesPolicyRequest(name=name)
    assert outcome(stranger, read) == outcome(claimed.stack.other_merchant, read)
    assert outcome(stranger, read) == "RESOURCE_NOT_FOUND"


def test_eligibility_tells_of_every_unit(claimed: Claimed):
    case = claimed.submit("Lamp", 1)
    claimed.stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))
    running = claimed.submit("Lamp", 2)

    request = pb.CheckEligibilityRequest(order=claimed.order)
    units = claimed.merchant.call(request).units

    assert [(item.title.partition(" ")[0], item.quantity, item.blocker) for item in units] == [
        ("Lamp", 2, CLAIM_BLOCKER_IN_OPEN_CASE),
        ("Lamp", 1, CLAIM_BLOCKER_SETTLED),
        ("Lamp", 1, CLAIM_BLOCKER_UNSPECIFIED),
        ("Mat", 3, CLAIM_BLOCKER_UNSPECIFIED),
    ]
    assert [list(item.cases) for item in units] == [[running.name], [case.name], [], []]
    types = {item.type: item for item in units[3].types}
    assert types[ISSUE_TYPE_DAMAGED].blocker == CLAIM_BLOCKER_UNSPECIFIED
    assert types[ISSUE_TYPE_DAMAGED].photo_count_min == 1
    assert types[ISSUE_TYPE_LOST].blocker == CLAIM_BLOCKER_DELIVERED
    assert units[3].package == claimed.parcels["Mat"]


def test_resend_outlives_what_happens_to_its_order(claimed: Claimed):
    case = claimed.submit("Lamp", 2, mode=RESEND)
    claimed.stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))

    claimed.merchant.call(CancelOrderRequest(name=claimed.order))
    claimed.stack.work()

    [line] = [line for line in claimed.read_order().lines if line.replacement]
    assert (line.allocated_quantity, line.excluded_quantity) == (2, 0)


def test_cases_are_filtered_paged_and_counted(claimed: Claimed):
    merchant, vendor = claimed.merchant, claimed.stack.vendor_a
    cases = [claimed.submit("Lamp", 1) for _ in range(4)]
    claimed.submit("Mat", 1)
    vendor.call(pb.RequestInfoRequest(name=cases[0].name, text="which?"))

    def listed(caller: Caller, **fields: Any) -> list[str]:
        return [case.name for case in caller.call(pb.ListCasesRequest(**fields)).cases]

    newest_first = [case.name for case in reversed(cases)]
    assert listed(merchant, vendor=vendor.name) == newest_first
    assert listed(vendor) == newest_first
    assert listed(merchant, waiting_for=c.CASE_PARTY_MERCHANT) == [cases[0].name]
    assert listed(vendor, states=[c.CASE_STATE_SUBMITTED]) == newest_first[:-1]
    assert listed(merchant, order=claimed.order, vendor=vendor.name) == newest_first
    assert listed(merchant, order=claimed.order + "x") == []
    assert listed(merchant, overdue_only=True) == []
    contradiction = {
        "states": [c.CASE_STATE_SUBMITTED],
        "waiting_for": c.CASE_PARTY_MERCHANT,
    }
    assert listed(merchant, **contradiction) == []
    first = vendor.call(pb.ListCasesRequest(page_size=3))
    rest = vendor.call(pb.ListCasesRequest(page_size=3, page_token=first.next_page_token))
    assert [case.name for case in (*first.cases, *rest.cases)] == newest_first
    counted = vendor.call(pb.CountCasesRequest())
    assert {item.state: item.case_count for item in counted.counts} == {
        c.CASE_STATE_SUBMITTED: 3,
        c.CASE_STATE_INFO_REQUESTED: 1,
    }
    assert counted.overdue_count == 0


def test_reading_costs_the_same_few_statements_with_one_case_and_with_many(claimed: Claimed):
    merchant, vendor = claimed.merchant, claimed.stack.vendor_a
    case = claimed.submit("Lamp", 1, kind=ISSUE_TYPE_OTHER)
    requests: dict[str, tuple[Caller, Message, int]] = {
        "ListCases": (merchant, pb.ListCasesRequest(), LIST_CASES_MAX),
        "ListCases of a vendor": (vendor, pb.ListCasesRequest(), LIST_CASES_MAX),
        "GetCase": (vendor, pb.GetCaseRequest(name=case.name), GET_CASE_MAX),
        "CountCases": (merchant, pb.CountCasesRequest(), COUNT_CASES_MAX),
        "CheckEligibility": (
            merchant,
            pb.CheckEligibilityRequest(order=claimed.order),
            CHECK_ELIGIBILITY_MAX,
        ),
    }
    little = {name: cost_of(claimed.stack, *call[:2]) for name, call in requests.items()}
    for _ in range(3):
        claimed.submit("Lamp", 1, kind=ISSUE_TYPE_OTHER)
        claimed.submit("Mat", 1, kind=ISSUE_TYPE_OTHER)

    much = {name: cost_of(claimed.stack, *call[:2]) for name, call in requests.items()}

    assert much == little
    assert {name: cost for name, cost in much.items() if cost > requests[name][2]} == {}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"mode": PARTIAL}, "INVALID_FIELD"),
        ({"mode": FULL, "amount": usd(1)}, "INVALID_FIELD"),
        ({"mode": c.RESOLUTION_MODE_OTHER, "note": " "}, "INVALID_FIELD"),
        ({"mode": c.RESOLUTION_MODE_RESEND_PARTS, "resend_quantity": 3}, "INVALID_FIELD"),
        ({"mode": FULL, "quantity": 5}, "UNITS_NOT_CLAIMABLE"),
        ({"mode": FULL, "type": ISSUE_TYPE_LOST}, "UNITS_NOT_CLAIMABLE"),
        ({"mode": FULL, "line": "merchants/-/orders/o1/lines/l1"}, "RESOURCE_NOT_FOUND"),
        ({"mode": PARTIAL, "amount": usd(10**9)}, "REFUND_EXCEEDS_PAID"),
    ],
)
def test_draft_that_cannot_be_is_refused_and_leaves_nothing(
    claimed: Claimed, item: dict[str, Any], reason: str
):
    fields = {"line": claimed.lines["Lamp"], "quantity": 2, "type": ISSUE_TYPE_DAMAGED, **item}
    request = pb.CreateCaseRequest(
        order=claimed.order, description="broken", items=[pb.NewCaseItem(**fields)]
    )
    before = dump(claimed.stack.db)

    assert outcome(claimed.merchant, request) == reason
    assert dump(claimed.stack.db) == before


def test_final_case_takes_nothing_any_more(claimed: Claimed):
    vendor, merchant = claimed.stack.vendor_a, claimed.merchant
    case = claimed.submit("Lamp", 1)
    merchant.call(pb.WithdrawCaseRequest(name=case.name))
    before = dump(claimed.stack.db)

    reasons = [
        outcome(vendor, pb.AcceptCaseRequest(name=case.name)),
        outcome(merchant, pb.EscalateCaseRequest(name=case.name)),
        outcome(merchant, pb.AddMessageRequest(name=case.name, text="hello")),
        outcome(claimed.stack.operator, pb.DecideCaseRequest(name=case.name, upheld=True)),
    ]

    assert reasons == ["ILLEGAL_TRANSITION"] * 4
    assert dump(claimed.stack.db) == before


def test_refused_offer_names_the_field(claimed: Claimed):
    case = claimed.submit("Lamp", 1)
    request = pb.OfferResolutionRequest(name=case.name, terms=[term(2, FULL)])

    with pytest.raises(FbaliError) as refused:
        claimed.stack.vendor_a.call(request)

    assert [item.field for item in refused.value.violations] == ["terms"]
