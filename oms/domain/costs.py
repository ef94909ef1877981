"""What a vendor's part costs: kinds, sources, the quoted entries of a plan, and what counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from oms.domain.money import Money, totals


class CostKind(StrEnum):
    """What a cost is for."""

    PRODUCT = "PRODUCT"
    SHIPPING = "SHIPPING"
    SERVICE_FEE = "SERVICE_FEE"
    TAX = "TAX"
    ADJUSTMENT = "ADJUSTMENT"


class CostSource(StrEnum):
    """Where an entry comes from."""

    QUOTED = "QUOTED"  # From the hosting, when the units were allocated or came back.
    ACTUAL = "ACTUAL"  # Recorded by the vendor.


@dataclass(frozen=True, slots=True)
class Cost:
    """One entry of the ledger before it is written."""

    kind: CostKind
    source: CostSource
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class QuotedUnits:
    """Units of a line and what the hosting quotes for one of them."""

    quantity: int
    unit_cost: Money | None
    shipping_cost: Money | None


def quoted_costs(units: Iterable[QuotedUnits], note: str = "") -> tuple[Cost, ...]:
    """Sum what hostings quote, per kind and currency; negative quantities take a quote back."""
    quotes = tuple(units)
    kinds = (
        (CostKind.PRODUCT, [(quote.unit_cost, quote.quantity) for quote in quotes]),
        (CostKind.SHIPPING, [(quote.shipping_cost, quote.quantity) for quote in quotes]),
    )
    return tuple(
        Cost(kind, CostSource.QUOTED, amount, note)
        for kind, priced in kinds
        for amount in totals(cost.times(count) for cost, count in priced if cost is not None)
        if amount.amount_minor
    )


class _Entry(Protocol):
    @property
    def kind(self) -> CostKind: ...

    @property
    def source(self) -> CostSource: ...


E = TypeVar("E", bound=_Entry)


def final(entries: Sequence[E]) -> list[E]:
    """Choose the entries of one allocation that count.

    Kind by kind, the recorded ones where the vendor recorded any of that kind, else the quoted
    ones: a vendor who records what shipping came to has said nothing of the goods.
    """
    recorded = {entry.kind for entry in entries if entry.source == CostSource.ACTUAL}
    return [
        entry
        for entry in entries
        if entry.source == CostSource.ACTUAL or entry.kind not in recorded
    ]
