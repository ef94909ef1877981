"""Placements: what placing orders by hand comes to, and what became of orders in calls on many."""

from collections.abc import Mapping, Sequence

from fbali.v1.hold_pb2 import OrderResult
from fbali.v1.order_pb2 import PendingReason as PendingReasonNumber
from fbali.v1.placement_pb2 import (
    OrderPlacement,
    PlacementChoice,
    PlacementLine,
    PlacementPart,
    WaitingLine,
)
from oms.domain.money import Money, totals
from oms.domain.planning import PlannedLine
from oms.usecases.hold_orders import OrderOutcome
from oms.usecases.place_orders import (
    Choice,
    PlacedTexts,
    Placement,
    margin_of_placement,
    quoted_totals,
)
from server import names
from server.conversion.basics import money_message, money_messages, number
from server.conversion.orders import PENDING_PREFIX


def choice_of(message: PlacementChoice) -> Choice:
    """Read a choice; nobody is an empty vendor."""
    return Choice(
        product_id=names.last_id(message.product),
        variant_id=names.last_id(message.variant),
        vendor_id=names.last_id(message.vendor),
        remember=message.remember,
    )


def outcome_message(merchant_id: str, outcome: OrderOutcome) -> OrderResult:
    """Convert what became of one order of many."""
    refusal = outcome.refusal
    return OrderResult(
        order=names.order(merchant_id, outcome.order_id),
        refusal_reason="" if refusal is None else refusal.word,
        refusal_message="" if refusal is None else refusal.message,
    )


def placement_message(merchant_id: str, placement: Placement, texts: PlacedTexts) -> OrderPlacement:
    """Convert what placing comes to for one order."""
    refusal, order = placement.refusal, placement.order
    quoted = totals(cost for part in placement.plan.parts.values() for cost in quoted_totals(part))
    revenue = _revenue(placement, texts)
    margin = margin_of_placement(placement, texts)
    return OrderPlacement(
        order=names.order(merchant_id, placement.order_id),
        order_number="" if order is None else order.number,
        parts=[
            _part_message(merchant_id, placement, vendor_id, part, texts)
            for vendor_id, part in placement.plan.parts.items()
        ],
        waiting_lines=[
            WaitingLine(
                line=names.line(merchant_id, placement.order_id, line_id),
                title=texts.titles.get(line_id, ""),
                quantity=placement.open_units[line_id],
                reason=number(PendingReasonNumber, PENDING_PREFIX, reason),
            )
            for line_id, reason in placement.plan.waiting.items()
        ],
        excluded_quantity=sum(placement.excluded.values()),
        revenue=money_message(revenue),
        quoted_totals=money_messages(quoted),
        margin=money_message(margin.amount),
        refusal_reason="" if refusal is None else refusal.word,
        refusal_message="" if refusal is None else refusal.message,
        missing_rates=margin.missing,
    )


def _part_message(
    merchant_id: str,
    placement: Placement,
    vendor_id: str,
    part: Sequence[PlannedLine],
    texts: PlacedTexts,
) -> PlacementPart:
    allocation_id = placement.allocation_ids.get(vendor_id, "")
    return PlacementPart(
        vendor=names.vendor(vendor_id),
        vendor_display_name=texts.vendors.get(vendor_id, ""),
        allocation=names.allocation(vendor_id, allocation_id) if allocation_id else "",
        lines=[
            PlacementLine(
                line=names.line(merchant_id, placement.order_id, line.line_id),
                title=texts.titles.get(line.line_id, ""),
                quantity=line.quantity,
            )
            for line in part
        ],
        quoted_totals=money_messages(quoted_totals(part)),
    )


def _revenue(placement: Placement, texts: PlacedTexts) -> Money | None:
    """Sum the prices of the units in the parts; None for an order that was not found."""
    if placement.order is None:
        return None
    prices: Mapping[str, int] = texts.prices_minor
    amount = sum(
        prices.get(line.line_id, 0) * line.quantity
        for part in placement.plan.parts.values()
        for line in part
    )
    return Money(placement.order.currency, amount)
