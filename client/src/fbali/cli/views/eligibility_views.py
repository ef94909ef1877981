"""Shows which units of an order can be claimed."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Heading, Note, Table, Tone, Word
from fbali.cli.views.values import last_part, moment
from fbali.cli.views.words import text_of
from fbali.v1.after_sales_policy_pb2 import IssueType
from fbali.v1.eligibility_pb2 import ClaimBlocker, UnitEligibility

_COLUMNS = [
    Column("PROBLEM", flexible=True),
    Column("CLAIMABLE", flexible=True),
    Column("FROM"),
    Column("UNTIL"),
    Column("PHOTOS", right=True),
]


def eligibility_document(units: Iterable[UnitEligibility]) -> Iterator[Block]:
    """Show the units of a line in a parcel, and what they can be claimed for."""
    known = list(units)
    for unit in known:
        yield Heading(_described(unit), _verdict(unit))
        if unit.types:
            yield _types(unit)
    if not known:
        yield Note("The order has no units.")
    if any(not one.blocker for unit in known for one in unit.types):
        yield Note("Open a case with: fbali aftersales open ORDER")


def _described(unit: UnitEligibility) -> str:
    facts = [
        f"SKU {unit.sku}" if unit.sku else f"line {last_part(unit.line)}",
        unit.vendor_display_name,
        f"parcel {last_part(unit.package)}" if unit.package else "",
        "sent again" if unit.replacement else "",
    ]
    return f"{unit.quantity} x {unit.title} ({', '.join(filter(None, facts))})"


def _verdict(unit: UnitEligibility) -> Word:
    if not unit.blocker:
        return Word("")
    cases = ", ".join(map(last_part, unit.cases))
    reason = text_of(ClaimBlocker, unit.blocker)
    return Word(f"{reason}: {cases}" if cases else reason, Tone.QUIET)


def _types(unit: UnitEligibility) -> Table:
    rows: list[list[Cell]] = [
        [
            text_of(IssueType, one.type),
            Word(text_of(ClaimBlocker, one.blocker), Tone.QUIET)
            if one.blocker
            else Word("yes", Tone.GOOD),
            moment(one, "from_time"),
            moment(one, "until_time"),
            one.photo_count_min,
        ]
        for one in unit.types
    ]
    return Table(_COLUMNS, rows)
