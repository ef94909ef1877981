"""Asks on a terminal what is wrong with an order, unit by unit, and how it is to be settled."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC

import click

from fbali.cli.case_terms import MODES, Way, read_way
from fbali.cli.terminal_text import neutral
from fbali.cli.times import format_time
from fbali.cli.views.words import text_of
from fbali.v1.after_sales_policy_pb2 import IssueType
from fbali.v1.after_sales_service_pb2 import NewCaseItem
from fbali.v1.eligibility_pb2 import ClaimBlocker, TypeEligibility, UnitEligibility

_ASKED = {
    "partial-refund": "Amount to be given back, such as 5.00 USD",
    "resend-parts": "Units to be sent again",
    "other": "What the vendor should do, in your words",
}


def ask_items(
    units: Sequence[UnitEligibility], numbers: Mapping[str, str]
) -> Iterator[NewCaseItem]:
    """Give an item for whatever something is wrong with; `numbers` are tracking numbers by name."""
    for unit in units:
        possible = [one for one in unit.types if not one.blocker]
        _say(f"\n{_described(unit, numbers)}")
        if not possible:
            _say(f"  cannot be claimed: {_blocked(unit)}")
            continue
        quantity = click.prompt(
            f"How many of the {unit.quantity} have a problem (0 for none)",
            type=click.IntRange(0, unit.quantity),
            default=0,
            err=True,
        )
        if quantity:
            yield _ask_item(unit, possible, quantity)


def ask_description() -> str:
    """Ask what happened."""
    text: str = click.prompt("\nWhat happened, in your words", err=True)
    return text


def _ask_item(
    unit: UnitEligibility, possible: Sequence[TypeEligibility], quantity: int
) -> NewCaseItem:
    names = [text_of(IssueType, one.type) for one in possible]
    for number, (name, one) in enumerate(zip(names, possible, strict=True), start=1):
        photos = f" (needs {one.photo_count_min} photos)" if one.photo_count_min else ""
        _say(f"  {number:2}  {name}{photos}")
    chosen = _ask_number("What is wrong", len(names))
    item = NewCaseItem(
        line=unit.line, package=unit.package, quantity=quantity, type=possible[chosen].type
    )
    _ask_way().fill(item, "resend_quantity")
    return item


def _ask_way() -> Way:
    for number, mode in enumerate(MODES, start=1):
        _say(f"  {number:2}  {mode.replace('-', ' ')}")
    mode = MODES[_ask_number("How should the vendor settle it", len(MODES))]
    question = _ASKED.get(mode)
    while True:
        value = click.prompt(question, err=True).strip() if question else ""
        try:
            return read_way(mode, value)
        except click.UsageError as error:
            _say(f"  {error.message}")


def _ask_number(question: str, count: int) -> int:
    number: int = click.prompt(question, type=click.IntRange(1, count), err=True)
    return number - 1


def _described(unit: UnitEligibility, numbers: Mapping[str, str]) -> str:
    facts = [f"SKU {unit.sku}" if unit.sku else "", unit.vendor_display_name]
    if unit.package:
        facts.append(f"parcel {numbers.get(unit.package, unit.package)}")
    return f"{unit.quantity} x {unit.title} ({', '.join(filter(None, facts))})"


def _blocked(unit: UnitEligibility) -> str:
    if unit.blocker:
        return text_of(ClaimBlocker, unit.blocker)
    starts = [one.from_time for one in unit.types if one.HasField("from_time")]
    if starts:
        first = min(starts, key=lambda stamp: (stamp.seconds, stamp.nanos))
        return f"not before {format_time(first.ToDatetime(tzinfo=UTC))}"
    return ", ".join(dict.fromkeys(text_of(ClaimBlocker, one.blocker) for one in unit.types))


def _say(line: str) -> None:
    text = line.removeprefix("\n")
    click.echo("\n" * (len(line) - len(text)) + neutral(text), err=True)
