"""Customers' problems through the public API: what merchant, vendor and operator live through."""

from typing import Any

import pytest

from fbali.errors import FbaliError
from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1 import case_pb2 as c
from fbali.v1.after_sales_policy_pb2 import (
    ISSUE_TYPE_DAMAGED,
    ISSUE_TYPE_LOST,
    ISSUE_TYPE_MISSING_ITEM,
)
from fbali.v1.allocation_pb2 import REJECT_REASON_OUT_OF_STOCK
from fbali.v1.cost_entry_pb2 import COST_KIND_REFUND, COST_SOURCE_SETTLEMENT
from fbali.v1.fulfillment_service_pb2 import (
    CloseAllocationRequest,
    GetAllocationRequest,
    ListAllocationsRequest,
)
from fbali.v1.order_pb2 import (
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_EXCEPTION,
    SHIPPING_STATUS_PROCESSING,
)
from fbali.v1.package_pb2 import (
    EXCEPTION_REASON_LOST,
    PACKAGE_STATE_DELIVERED,
    PACKAGE_STATE_EXCEPTION,
)
from tests.functional.claimed import UNIT_COST_MINOR, Claimed, ship, term, usd
from tests.services.stack import Caller, Stack, dump

FULL, PARTIAL = c.RESOLUTION_MODE_FULL_REFUND, c.RESOLUTION_MODE_PARTIAL_REFUND
RESEND, PARTS = c.RESOLUTION_MODE_RESEND_ALL, c.RESOLUTION_MODE_RESEND_PARTS
BY_HAND = c.RESOLUTION_MODE_OTHER


@pytest.fixture
def claimed(stack: Stack) -> Claimed:
    return ship(stack)


def refusal(caller: Caller, request: Any) -> tuple[str, dict[str, str]]:
    try:
        caller.call(request)
    except FbaliError as error:
        return error.reason, dict(error.metadata)
    return "OK", {}


def test_accepted_refund_is_an_entry_of_the_vendors_ledger(claimed: Claimed):
    vendor = claimed.stack.vendor_a
    before = claimed.read_order().cost_totals
    case = claimed.submit("Lamp", 2)
    assert (case.state, case.waiting_for) == (c.CASE_STATE_SUBMITTED, c.CASE_PARTY_VENDOR)

    answer = vendor.call(pb.AcceptCaseRequest(name=case.name, note="sorry")).case

    assert answer.state == c.CASE_STATE_RESOLVED
    assert answer.items[0].refunds == [usd(2 * UNIT_COST_MINOR)]
    order = claimed.read_order()
    [cost] = [
        cost
        for allocation in order.allocations
        for cost in allocation.costs
        if cost.source == COST_SOURCE_SETTLEMENT
    ]
    assert (cost.kind, cost.amount, cost.note) == (
        COST_KIND_REFUND,
        usd(-2 * UNIT_COST_MINOR),
        case.name,
    )
    assert before == [usd(7 * UNIT_COST_MINOR)]
    assert order.cost_totals == [usd(5 * UNIT_COST_MINOR)]
    kinds = [row.kind for row in order.history if row.subject == case.name]
    assert kinds == [
        *("case.created", "case.submitted", "case.accepted", "case.refunded", "case.resolved"),
    ]
    assert [row.kind for row in answer.history] == kinds


def test_offer_is_countered_and_the_resend_delivered(claimed: Claimed):
    vendor, merchant = claimed.stack.vendor_a, claimed.merchant
    case = claimed.submit("Lamp", 3)
    offer = pb.OfferResolutionRequest(
        name=case.name, terms=[term(1, PARTIAL, 500)], note="keep them"
    )
    assert vendor.call(offer).case.state == c.CASE_STATE_OFFERED
    counter = pb.CounterOfferRequest(name=case.name, terms=[term(1, PARTS, quantity=2)])
    assert merchant.call(counter).case.state == c.CASE_STATE_COUNTERED

    accepted = vendor.call(pb.AcceptCaseRequest(name=case.name)).case

    assert accepted.state == c.CASE_STATE_ACCEPTED
    order = claimed.read_order()
    assert order.shipping_status == SHIPPING_STATUS_PROCESSING
    [line] = [line for line in order.lines if line.replacement]
    assert (line.ordered_quantity, line.allocated_quantity, line.price) == (2, 2, usd(0))
    [resend] = [part for part in order.allocations if part.case]
    assert (resend.case, list(resend.costs)) == (case.name, [])
    parcel = claimed.pack_resend(vendor, case)
    claimed.report(vendor, parcel, PACKAGE_STATE_DELIVERED)
    done = claimed.read(case)
    assert (done.state, done.items[0].done) == (c.CASE_STATE_RESOLVED, True)
    assert claimed.read_order().shipping_status == SHIPPING_STATUS_DELIVERED
    assert [proposal.party for proposal in done.proposals] == [
        c.CASE_PARTY_MERCHANT,
        c.CASE_PARTY_VENDOR,
        c.CASE_PARTY_MERCHANT,
    ]
    assert [(said.text, said.action) for said in done.messages] == [
        ("keep them", c.CASE_ACTION_OFFER)
    ]


def test_lost_parcel_leaves_exception_when_its_case_is_settled(stack: Stack):
    claimed = ship(stack, delivered=False)
    claimed.report(stack.vendor_b, claimed.parcels["Mat"], PACKAGE_STATE_DELIVERED)
    claimed.report(
        stack.vendor_a,
        claimed.parcels["Lamp"],
        PACKAGE_STATE_EXCEPTION,
        exception_reason=EXCEPTION_REASON_LOST,
    )
    assert claimed.read_order().shipping_status == SHIPPING_STATUS_EXCEPTION
    part = claimed.submit("Lamp", 3, kind=ISSUE_TYPE_LOST, photos=0)
    stack.vendor_a.call(pb.AcceptCaseRequest(name=part.name))
    assert claimed.read_order().shipping_status == SHIPPING_STATUS_EXCEPTION

    rest = claimed.submit("Lamp", 1, kind=ISSUE_TYPE_LOST, photos=0)
    stack.vendor_a.call(pb.AcceptCaseRequest(name=rest.name))

    assert claimed.read_order().shipping_status == SHIPPING_STATUS_DELIVERED
    assert claimed.line(claimed.lines["Lamp"]).settled_quantity == 4
    claimed.report(stack.vendor_a, claimed.parcels["Lamp"], PACKAGE_STATE_DELIVERED)
    line = claimed.line(claimed.lines["Lamp"])  # It was found after all.
    assert (line.settled_quantity, line.delivered_quantity) == (0, 4)


def test_two_vendors_each_see_their_own_case_only(claimed: Claimed):
    stack = claimed.stack
    items = [
        pb.NewCaseItem(
            line=claimed.lines[title], quantity=1, type=ISSUE_TYPE_MISSING_ITEM, mode=FULL
        )
        for title in ("Lamp", "Mat")
    ]
    made = claimed.create(items)
    assert {case.vendor for case in made} == {stack.vendor_a.name, stack.vendor_b.name}
    mine = next(case for case in made if case.vendor == stack.vendor_a.name)
    other = next(case for case in made if case.vendor == stack.vendor_b.name)
    assert list(mine.linked_cases) == [other.name]
    for case in made:
        assert refusal(stack.vendor_a, pb.GetCaseRequest(name=case.name))[0] == "RESOURCE_NOT_FOUND"
        claimed.add_photos(case.name, 1)
        claimed.merchant.call(pb.SubmitCaseRequest(name=case.name))
    stack.vendor_b.call(pb.AddMessageRequest(name=other.name, text="secret of B"))

    shown = stack.vendor_a.call(pb.ListCasesRequest()).cases
    detail = claimed.read(mine, stack.vendor_a)

    assert [case.name for case in shown] == [mine.name]
    assert refusal(stack.vendor_a, pb.GetCaseRequest(name=other.name))[0] == "RESOURCE_NOT_FOUND"
    text = f"{shown}{detail}"
    for secret in ("secret of B", stack.vendor_b.id, other.name, goods_price(), "marker-email"):
        assert secret not in text
    assert stack.other_vendor.call(pb.ListCasesRequest()).ByteSize() == 0
    assert stack.other_merchant.call(pb.ListCasesRequest()).ByteSize() == 0
    assert len(stack.operator.call(pb.ListCasesRequest()).cases) == 2


def goods_price() -> str:
    return "7123"  # Minor units of what the customer paid for a lamp.


def test_overdue_vendor_has_the_case_escalated_and_the_operator_decides(claimed: Claimed):
    stack = claimed.stack
    case = claimed.submit("Lamp", 1)
    claimed.let_time_pass(71)
    assert claimed.read(case).state == c.CASE_STATE_SUBMITTED
    claimed.let_time_pass(2)

    late = claimed.read(case)

    assert (late.state, late.overdue, late.waiting_for) == (
        c.CASE_STATE_ESCALATED,
        True,
        c.CASE_PARTY_OPERATOR,
    )
    overdue = stack.operator.call(pb.ListCasesRequest(overdue_only=True)).cases
    assert [item.name for item in overdue] == [case.name]
    assert stack.operator.call(pb.CountCasesRequest()).overdue_count == 1
    decided = stack.operator.call(
        pb.DecideCaseRequest(name=case.name, upheld=True, terms=[term(1, PARTIAL, 400)])
    ).case
    assert decided.state == c.CASE_STATE_RESOLVED
    assert decided.items[0].refunds == [usd(400)]
    assert decided.history[-2].actor == "operator"
    assert stack.operator.call(pb.CountCasesRequest()).overdue_count == 0


def test_unanswered_question_ends_the_case_and_frees_its_units(claimed: Claimed):
    stack = claimed.stack
    case = claimed.submit("Lamp", 4)
    stack.vendor_a.call(pb.RequestInfoRequest(name=case.name, text="which one?"))

    claimed.let_time_pass(7 * 24 + 1)

    assert claimed.read(case).state == c.CASE_STATE_EXPIRED
    assert claimed.submit("Lamp", 4).state == c.CASE_STATE_SUBMITTED


def test_answered_question_goes_back_to_the_vendor(claimed: Claimed):
    case = claimed.submit("Lamp", 1)
    claimed.stack.vendor_a.call(pb.RequestInfoRequest(name=case.name, text="which one?"))

    answered = claimed.merchant.call(pb.ProvideInfoRequest(name=case.name, text="the red one")).case

    assert answered.state == c.CASE_STATE_SUBMITTED
    assert [said.author for said in answered.messages] == [
        claimed.stack.vendor_a.name,
        claimed.merchant.name,
    ]


def test_rejection_stands_unless_it_is_escalated_in_time(claimed: Claimed):
    stack = claimed.stack
    stands, fought = claimed.submit("Lamp", 1), claimed.submit("Lamp", 1)
    for case in (stands, fought):
        rejected = stack.vendor_a.call(
            pb.RejectCaseRequest(
                name=case.name, reject_reason=c.CASE_REJECT_REASON_CUSTOMER_FAULT, note="your fault"
            )
        ).case
        assert rejected.state == c.CASE_STATE_REJECTED
    claimed.merchant.call(pb.EscalateCaseRequest(name=fought.name, note="no"))
    claimed.let_time_pass(24 * 8)

    assert claimed.read(stands).state == c.CASE_STATE_DISMISSED
    assert claimed.read(fought).state == c.CASE_STATE_ESCALATED
    dismissed = stack.operator.call(pb.DecideCaseRequest(name=fought.name)).case
    assert dismissed.state == c.CASE_STATE_DISMISSED
    assert claimed.read_order().cost_totals == [usd(7 * UNIT_COST_MINOR)]


def test_refunds_never_exceed_what_was_paid(claimed: Claimed):
    stack = claimed.stack
    unit = UNIT_COST_MINOR
    before = dump(stack.db)
    too_much = pb.CreateCaseRequest(
        order=claimed.order,
        description="broken",
        items=[
            pb.NewCaseItem(
                line=claimed.lines["Lamp"],
                quantity=1,
                type=ISSUE_TYPE_DAMAGED,
                mode=PARTIAL,
                amount=usd(unit + 1),
            )
        ],
    )
    reason, metadata = refusal(claimed.merchant, too_much)
    assert (reason, metadata["asked"], metadata["available"]) == (
        "REFUND_EXCEEDS_PAID",
        str(unit + 1),
        str(unit),
    )
    assert dump(stack.db) == before

    for units in (1, 3):
        case = claimed.submit("Lamp", units)
        stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))

    assert claimed.read_order().cost_totals == [usd(3 * unit)]


def test_units_are_claimed_once(claimed: Claimed):
    claimed.submit("Lamp", 3)
    draft = claimed.draft("Lamp", 1)
    claimed.submit("Lamp", 1)
    before = dump(claimed.stack.db)

    reason, metadata = refusal(claimed.merchant, pb.SubmitCaseRequest(name=draft.name))

    assert (reason, metadata["blocker"], metadata["available"]) == (
        "UNITS_NOT_CLAIMABLE",
        "IN_OPEN_CASE",
        "0",
    )
    assert dump(claimed.stack.db) == before


def test_missing_photos_keep_a_case_a_draft(claimed: Claimed):
    draft = claimed.draft("Lamp", 1, photos=0)

    reason, metadata = refusal(claimed.merchant, pb.SubmitCaseRequest(name=draft.name))

    assert (reason, metadata["required"], metadata["found"]) == ("EVIDENCE_MISSING", "1", "0")
    assert claimed.read(draft).state == c.CASE_STATE_DRAFT


def test_settled_by_hand_is_confirmed_by_the_merchant(claimed: Claimed):
    case = claimed.submit("Lamp", 1, mode=BY_HAND, note="send a voucher")
    accepted = claimed.stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name)).case
    assert accepted.state == c.CASE_STATE_ACCEPTED
    assert list(claimed.read(case).allowed_actions) == [
        c.CASE_ACTION_RESOLVE,
        c.CASE_ACTION_ESCALATE,
    ]

    done = claimed.merchant.call(pb.ResolveCaseRequest(name=case.name)).case

    assert (done.state, done.items[0].done) == (c.CASE_STATE_RESOLVED, True)


def test_vendor_who_does_not_send_again_has_the_case_escalated(claimed: Claimed):
    stack = claimed.stack
    case = claimed.submit("Lamp", 2, mode=RESEND)
    stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))
    [allocation] = claimed.read(case).replacement_allocations
    stack.vendor_a.call(
        CloseAllocationRequest(name=allocation, reject_reason=REJECT_REASON_OUT_OF_STOCK)
    )

    stack.work()

    assert claimed.read(case).state == c.CASE_STATE_ESCALATED
    assert claimed.read_order().shipping_status == SHIPPING_STATUS_DELIVERED
    decided = stack.operator.call(
        pb.DecideCaseRequest(name=case.name, upheld=True, terms=[term(1, FULL)])
    ).case
    assert decided.state == c.CASE_STATE_RESOLVED
    assert decided.items[0].refunds == [usd(2 * UNIT_COST_MINOR)]


def test_resend_that_is_lost_is_claimed_and_paid_from_what_it_replaced(claimed: Claimed):
    stack = claimed.stack
    case = claimed.submit("Lamp", 2, mode=RESEND)
    stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))
    parcel = claimed.pack_resend(stack.vendor_a, case)
    claimed.report(
        stack.vendor_a, parcel, PACKAGE_STATE_EXCEPTION, exception_reason=EXCEPTION_REASON_LOST
    )
    [line] = claimed.read(case).items[0].replacement_lines
    claimed.lines["Again"] = line

    second = claimed.submit("Again", 2, kind=ISSUE_TYPE_LOST, photos=0)
    paid = stack.vendor_a.call(pb.AcceptCaseRequest(name=second.name)).case
    stack.work()

    assert paid.items[0].refunds == [usd(2 * UNIT_COST_MINOR)]
    assert claimed.read(case).state == c.CASE_STATE_RESOLVED
    assert claimed.read_order().shipping_status == SHIPPING_STATUS_DELIVERED


def test_escalated_agreement_takes_back_what_is_not_packed(claimed: Claimed):
    stack = claimed.stack
    case = claimed.submit("Lamp", 2, mode=RESEND)
    stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))

    claimed.merchant.call(pb.EscalateCaseRequest(name=case.name, note="weeks went by"))

    [allocation] = claimed.read(case).replacement_allocations
    asked = stack.vendor_a.call(GetAllocationRequest(name=allocation)).allocation
    assert asked.lines[0].cancellation_quantity == 2
    again = stack.operator.call(pb.DecideCaseRequest(name=case.name, upheld=True)).case
    assert (again.state, again.items[0].replacement_quantity) == (c.CASE_STATE_ACCEPTED, 2)
    assert len(again.replacement_allocations) == 1
    kept = stack.vendor_a.call(GetAllocationRequest(name=allocation)).allocation
    assert kept.lines[0].cancellation_quantity == 0


def test_vendor_sees_a_resend_among_its_allocations(claimed: Claimed):
    case = claimed.submit("Lamp", 1, mode=RESEND)
    claimed.stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))

    parts = claimed.stack.vendor_a.call(ListAllocationsRequest(parent="vendors/-")).allocations

    assert [part.case for part in parts] == [case.name, ""]
    assert parts[0].lines[0].vendor_sku == parts[1].lines[0].vendor_sku
    assert parts[0].recipient == parts[1].recipient


def half_kept(claimed: Claimed) -> Any:
    """Agree on money for one lamp and another one sent again; the vendor does not send it."""
    vendor = claimed.stack.vendor_a
    line = claimed.lines["Lamp"]
    items = [
        pb.NewCaseItem(
            line=line, quantity=1, type=ISSUE_TYPE_DAMAGED, mode=PARTIAL, amount=usd(300)
        ),
        pb.NewCaseItem(line=line, quantity=1, type=ISSUE_TYPE_DAMAGED, mode=RESEND),
    ]
    [case] = claimed.create(items)
    claimed.add_photos(case.name, 1)
    claimed.merchant.call(pb.SubmitCaseRequest(name=case.name))
    vendor.call(pb.AcceptCaseRequest(name=case.name))
    close_resend(claimed, case)
    return case


def close_resend(claimed: Claimed, case: Any) -> None:
    allocation = claimed.read(case).replacement_allocations[-1]
    claimed.stack.vendor_a.call(
        CloseAllocationRequest(name=allocation, reject_reason=REJECT_REASON_OUT_OF_STOCK)
    )
    claimed.stack.work()


def test_deciding_again_does_not_pay_again(claimed: Claimed):
    case = half_kept(claimed)
    assert [item.done for item in claimed.read(case).items] == [True, False]

    again = claimed.stack.operator.call(pb.DecideCaseRequest(name=case.name, upheld=True)).case

    assert [list(item.refunds) for item in again.items] == [[usd(300)], []]
    assert [item.replacement_quantity for item in again.items] == [0, 1]
    assert len(again.replacement_allocations) == 2
    assert claimed.read_order().cost_totals == [usd(7 * UNIT_COST_MINOR - 300)]


def test_units_that_were_paid_for_stay_settled_when_the_rest_is_dismissed(claimed: Claimed):
    case = half_kept(claimed)

    claimed.stack.operator.call(pb.DecideCaseRequest(name=case.name))

    request = pb.CheckEligibilityRequest(order=claimed.order)
    units = claimed.merchant.call(request).units
    assert [item.quantity for item in units if item.cases] == [1]
    assert [item.quantity for item in units if item.types] == [3, 3]


def test_confirmed_case_leaves_nothing_open_when_the_resend_is_given_up(claimed: Claimed):
    case = claimed.submit("Lamp", 1, mode=RESEND)
    claimed.stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))
    claimed.merchant.call(pb.ResolveCaseRequest(name=case.name, note="he got it already"))

    close_resend(claimed, case)

    order = claimed.read_order()
    assert order.shipping_status == SHIPPING_STATUS_DELIVERED
    assert [line.open_quantity for line in order.lines if line.replacement] == [0]
