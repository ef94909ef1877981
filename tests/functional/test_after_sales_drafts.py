"""Drafts of cases, and the policies that they keep a copy of."""

from typing import Any

import pytest

from fbali.errors import FbaliError, InvalidInput
from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1 import case_pb2 as c
from fbali.v1.after_sales_policy_pb2 import (
    ISSUE_TYPE_DAMAGED,
    ISSUE_TYPE_OTHER,
    AfterSalesPolicy,
    EvidenceRule,
)
from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest
from fbali.v1.order_service_pb2 import GetOrderRequest
from tests.functional import goods
from tests.functional.claimed import Claimed, ship
from tests.functional.estate import allocations_of, orders_of, sync
from tests.services.stack import Stack, dump

DAY_HOURS = 24


@pytest.fixture
def claimed(stack: Stack) -> Claimed:
    return ship(stack)


def wanted(claimed: Claimed, title: str, quantity: int, **fields: Any) -> pb.NewCaseItem:
    return pb.NewCaseItem(
        line=claimed.lines[title],
        quantity=quantity,
        **{"type": ISSUE_TYPE_OTHER, "mode": c.RESOLUTION_MODE_RESEND_ALL, **fields},
    )


def policy(**fields: Any) -> AfterSalesPolicy:
    promised: dict[str, Any] = {
        "claim_days_after_delivery": 5,
        "claim_days_after_shipment": 60,
        "delayed_after_days": 20,
        "answer_hours": 24,
        "reply_hours": 48,
    }
    return AfterSalesPolicy(**{**promised, **fields})


def promise(claimed: Claimed, wanted_policy: AfterSalesPolicy) -> str:
    """Let vendor A set its policy; return its name."""
    vendor = claimed.stack.vendor_a
    name = f"{claimed.merchant.name}/partnerships/{vendor.id}/afterSalesPolicy"
    vendor.call(pb.SetAfterSalesPolicyRequest(name=name, policy=wanted_policy))
    return name


def test_draft_is_changed_as_a_whole(claimed: Claimed):
    draft = claimed.draft("Lamp", 1)

    changed = claimed.merchant.call(
        pb.UpdateCaseRequest(
            name=draft.name,
            description="Two of them",
            items=[wanted(claimed, "Lamp", 2), wanted(claimed, "Lamp", 1)],
            etag=draft.etag,
        )
    ).case

    assert (changed.description, [item.quantity for item in changed.items]) == (
        "Two of them",
        [2, 1],
    )
    [proposal] = changed.proposals
    assert [term.mode for term in proposal.terms] == [c.RESOLUTION_MODE_RESEND_ALL] * 2
    assert changed.etag != draft.etag


def test_draft_stays_with_its_vendor(claimed: Claimed):
    draft = claimed.draft("Lamp", 1)
    before = dump(claimed.stack.db)

    with pytest.raises(InvalidInput) as refused:
        claimed.merchant.call(
            pb.UpdateCaseRequest(name=draft.name, items=[wanted(claimed, "Mat", 1)])
        )

    assert [item.field for item in refused.value.violations] == ["items"]
    assert dump(claimed.stack.db) == before


def test_submitted_case_is_not_changed(claimed: Claimed):
    case = claimed.submit("Lamp", 1)

    with pytest.raises(FbaliError) as refused:
        claimed.merchant.call(pb.UpdateCaseRequest(name=case.name, description="other"))

    assert refused.value.reason == "ILLEGAL_TRANSITION"
    assert refused.value.metadata["allowed"] == "withdraw"


def test_draft_that_is_left_alone_expires_unseen(claimed: Claimed):
    draft = claimed.draft("Lamp", 1)
    claimed.let_time_pass(29 * DAY_HOURS)
    assert claimed.read(draft).state == c.CASE_STATE_DRAFT

    claimed.let_time_pass(2 * DAY_HOURS)

    assert claimed.read(draft).state == c.CASE_STATE_EXPIRED
    assert claimed.stack.vendor_a.call(pb.ListCasesRequest()).ByteSize() == 0
    assert claimed.stack.operator.call(pb.ListCasesRequest()).ByteSize() == 0


def test_line_in_two_parcels_needs_the_parcel_named(claimed: Claimed):
    stack = claimed.stack
    now = stack.clock.now_seconds()
    stack.shop.add_order(goods.order(1002, {goods.LAMP: 2}, now=now, is_new=True))
    [store] = {order.store for order in orders_of(stack.merchant)}
    sync(stack, stack.merchant, store)
    part = allocations_of(stack.vendor_a)[0]
    line = part.lines[0].line
    parcels = [
        stack.vendor_a.call(
            CreatePackageRequest(
                parent=part.name,
                tracking_number=f"QUIET-{number}",
                handed_over=True,
                lines=[{"line": line, "quantity": 1}],  # type: ignore[list-item]
            )
        ).package.name
        for number in range(2)
    ]
    second = Claimed(stack, part.order, lines={"Lamp": line})

    with pytest.raises(InvalidInput) as refused:
        second.create([wanted(second, "Lamp", 1)])
    [case] = second.create([wanted(second, "Lamp", 1, package=parcels[1])])

    assert [item.field for item in refused.value.violations] == ["items[0].package"]
    assert case.items[0].package == parcels[1]


def test_policy_of_the_vendor_decides_what_may_be_claimed(claimed: Claimed):
    before = claimed.draft("Lamp", 1)
    evidence = [EvidenceRule(type=ISSUE_TYPE_DAMAGED, photo_count_min=2)]
    name = promise(claimed, policy(evidence=evidence))

    after = claimed.draft("Lamp", 1)

    with pytest.raises(FbaliError) as refused:
        claimed.merchant.call(pb.SubmitCaseRequest(name=after.name))
    assert refused.value.metadata["required"] == "2"
    claimed.merchant.call(pb.SubmitCaseRequest(name=before.name))
    shown = claimed.merchant.call(pb.GetAfterSalesPolicyRequest(name=name)).policy
    assert (shown.etag, shown.answer_hours, list(shown.evidence)) == ("1", 24, evidence)
    claimed.let_time_pass(6 * DAY_HOURS)
    with pytest.raises(FbaliError) as closed:
        claimed.draft("Lamp", 1)
    assert closed.value.metadata["blocker"] == "WINDOW_CLOSED"


def test_policy_with_two_rules_for_a_type_is_refused(claimed: Claimed):
    rule = EvidenceRule(type=ISSUE_TYPE_DAMAGED, photo_count_min=1)

    with pytest.raises(InvalidInput) as refused:
        promise(claimed, policy(evidence=[rule, rule]))

    assert [item.field for item in refused.value.violations] == ["policy.evidence"]


def test_store_that_changes_its_order_leaves_resends_alone(claimed: Claimed):
    stack = claimed.stack
    case = claimed.submit("Lamp", 2, mode=c.RESOLUTION_MODE_RESEND_ALL)
    stack.vendor_a.call(pb.AcceptCaseRequest(name=case.name))
    order = claimed.read_order()
    [resend] = [line for line in order.lines if line.replacement]

    stack.clock.advance(60)
    stack.shop.change_order(1001, status="cancelled")
    sync(stack, stack.merchant, order.store)

    after = stack.merchant.call(GetOrderRequest(name=claimed.order)).order
    assert after.store_status == "cancelled"
    [kept] = [line for line in after.lines if line.replacement]
    assert (kept.name, kept.allocated_quantity) == (resend.name, 2)
