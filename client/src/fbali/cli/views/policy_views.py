"""Shows after-sales policies."""

from collections.abc import Iterator

from fbali.cli.document import Block, Fields, Heading
from fbali.cli.views.words import text_of
from fbali.v1.after_sales_policy_pb2 import AfterSalesPolicy, IssueType


def policy_document(policy: AfterSalesPolicy) -> Iterator[Block]:
    """Show one policy."""
    yield Heading("After-sales policy")
    yield Fields(
        [
            ("Claims after delivery", f"for {policy.claim_days_after_delivery} days"),
            ("Claims of what did not arrive", f"for {policy.claim_days_after_shipment} days"),
            ("Delayed", f"after {policy.delayed_after_days} days on the way"),
            ("Vendor answers", f"within {policy.answer_hours} hours, or the operator decides"),
            ("Merchant replies", f"within {policy.reply_hours} hours, or the case ends"),
            ("Delivered, not received", _may_be_claimed(policy)),
            ("Photos needed", _evidence(policy)),
        ]
    )


def _may_be_claimed(policy: AfterSalesPolicy) -> str:
    return "may be claimed" if policy.not_received_when_delivered else "cannot be claimed"


def _evidence(policy: AfterSalesPolicy) -> str:
    rules = [
        f"{text_of(IssueType, rule.type)} {rule.photo_count_min}"
        for rule in policy.evidence
        if rule.photo_count_min
    ]
    return ", ".join(rules) or "none"
