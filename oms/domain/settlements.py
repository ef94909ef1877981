"""How units of a case are settled: terms, what a refund may come to, and what a resend may be.

Money that was paid for a vendor's part is spread over its units by what was quoted for them (evenly
where quotes are missing), so that a refund of units is capped by what was paid for those units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from oms.domain.claims import IssueType
from oms.domain.errors import InvalidInput, Violation
from oms.domain.money import Money, is_currency


class ResolutionMode(StrEnum):
    """How units are settled."""

    FULL_REFUND = "FULL_REFUND"
    PARTIAL_REFUND = "PARTIAL_REFUND"
    RESEND_ALL = "RESEND_ALL"
    RESEND_PARTS = "RESEND_PARTS"
    OTHER = "OTHER"


_M = ResolutionMode

REFUNDS: Final = frozenset({_M.FULL_REFUND, _M.PARTIAL_REFUND})
RESENDS: Final = frozenset({_M.RESEND_ALL, _M.RESEND_PARTS})


@dataclass(frozen=True, slots=True)
class Term:
    """How one item is settled. `amount` goes with PARTIAL_REFUND, `quantity` with RESEND_PARTS."""

    item: int
    mode: ResolutionMode
    amount: Money | None = None
    quantity: int = 0
    note: str = ""


def settles_units(kind: IssueType, mode: ResolutionMode) -> bool:
    """Tell whether units are out of the game once they are settled so.

    Money for a delay is not: the parcel still travels, and may yet be lost.
    """
    return kind != IssueType.DELAYED or mode in {_M.FULL_REFUND, _M.RESEND_ALL}


def check_terms(terms: Sequence[Term], quantities: Mapping[int, int], path: str) -> None:
    """Check that terms fit the items, whose units are given by number.

    Raises:
        InvalidInput: with every field that is wrong; `path` is the name of the repeated field.
    """
    violations = []
    if sorted(term.item for term in terms) != sorted(quantities):
        numbers = ", ".join(map(str, sorted(quantities)))
        violations.append(Violation(path, f"has one term for each of the items {numbers}"))
    for index, term in enumerate(terms):
        for name, description in _flaws(term, quantities.get(term.item, 0)):
            violations.append(Violation(f"{path}[{index}].{name}", description))
    if violations:
        raise InvalidInput(violations)


def _flaws(term: Term, units: int) -> list[tuple[str, str]]:
    has_amount = term.amount is not None
    rules = (
        (has_amount == (term.mode == _M.PARTIAL_REFUND), "amount", "goes with PARTIAL_REFUND"),
        (
            term.amount is None or term.amount.amount_minor > 0,
            "amount.amount_minor",
            "is more than 0",
        ),
        (
            term.amount is None or is_currency(term.amount.currency),
            "amount.currency_code",
            "is an ISO 4217 currency",
        ),
        (
            (term.quantity > 0) == (term.mode == _M.RESEND_PARTS),
            "quantity",
            "goes with RESEND_PARTS",
        ),
        (term.quantity <= units, "quantity", f"is at most the {units} units of the item"),
        (bool(term.note.strip()) or term.mode != _M.OTHER, "note", "says what is done by hand"),
    )
    return [(name, description) for holds, name, description in rules if not holds]


@dataclass(frozen=True, slots=True)
class PaidLine:
    """Units of a line in a vendor's part, and what was quoted for one of them, if it was."""

    units: int
    quote: Money | None


@dataclass(slots=True)
class PaidPart:
    """What was paid for a vendor's part, and what was given back of it; grows as one refunds.

    `paid` is minor units by currency; `refunded` is that by line id.
    """

    lines: Mapping[str, PaidLine]
    paid: Mapping[str, int]
    refunded: dict[str, dict[str, int]] = field(default_factory=dict)

    def left(self, line_id: str, units: int, already: Mapping[str, int]) -> dict[str, int]:
        """Return what may still be given back for units of a line, by currency.

        `already` was given back before for what may be the same units. Rounded down, so that all
        refunds together never exceed what was paid.
        """
        weights = self._weights()
        whole = sum(weights[key] * line.units for key, line in self.lines.items())
        if not whole or line_id not in self.lines:
            return {}
        found = {}
        for currency, paid in self.paid.items():
            of_units = paid * weights[line_id] * units // whole - already.get(currency, 0)
            of_line = paid * weights[line_id] * self.lines[line_id].units // whole
            of_line -= self.refunded.get(line_id, {}).get(currency, 0)
            of_part = paid - sum(given.get(currency, 0) for given in self.refunded.values())
            found[currency] = max(0, min(of_units, of_line, of_part))
        return found

    def refund(self, line_id: str, amount: Money) -> None:
        """Take note of a refund."""
        given = self.refunded.setdefault(line_id, {})
        given[amount.currency] = given.get(amount.currency, 0) + amount.amount_minor

    def _weights(self) -> dict[str, int]:
        quotes = [line.quote for line in self.lines.values()]
        currencies = {quote.currency for quote in quotes if quote is not None}
        if None in quotes or len(currencies) != 1:
            return dict.fromkeys(self.lines, 1)
        weights = {
            key: line.quote.amount_minor
            for key, line in self.lines.items()
            if line.quote is not None
        }
        return weights if all(weights.values()) else dict.fromkeys(self.lines, 1)
