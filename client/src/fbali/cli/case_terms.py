"""Reads what is claimed and how it is to be settled, as it is typed on the command line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from fbali.cli.money import parse_money

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.after_sales_service_pb2 import NewCaseItem
    from fbali.v1.case_pb2 import Case, ResolutionTerm

TYPES = (
    "not-received",
    "delayed",
    "lost",
    "damaged",
    "defective",
    "wrong-item",
    "missing-item",
    "wrong-variant",
    "not-as-described",
    "returned-to-sender",
    "customs",
    "customer-cancelled",
    "other",
)
MODES = ("full-refund", "partial-refund", "resend-all", "resend-parts", "other")
_CLAIM = re.compile(
    r"(?P<named>.+?)=(?P<units>\d+),(?P<type>[^,]*),(?P<mode>[^,]*),?(?P<value>.*)", re.DOTALL
)
_VALUES = {"partial-refund": "AMOUNT", "resend-parts": "UNITS", "other": "WORDS"}


@dataclass(frozen=True, slots=True)
class Way:
    """How units are settled: a mode, and what it needs."""

    mode: str
    value: str = ""

    def fill(self, message: Any, quantity_field: str) -> None:
        """Write it into a message of the contract; the units go to the field of that name."""
        from fbali.cli.contract_values import money, value_of
        from fbali.v1.case_pb2 import ResolutionMode

        message.mode = value_of(ResolutionMode, "RESOLUTION_MODE", self.mode)
        if self.mode == "partial-refund":
            message.amount.CopyFrom(money(self.value))
        elif self.mode == "resend-parts":
            setattr(message, quantity_field, int(self.value))
        else:
            message.note = self.value


@dataclass(frozen=True, slots=True)
class Claim:
    """Units of a line that something is wrong with. The parcel may be empty."""

    line: str
    parcel: str
    quantity: int
    type: str
    way: Way

    def message(self, line: str, package: str) -> "NewCaseItem":
        """Write it as the contract does, with the names that were found for line and parcel."""
        from fbali.cli.contract_values import value_of
        from fbali.v1.after_sales_policy_pb2 import IssueType
        from fbali.v1.after_sales_service_pb2 import NewCaseItem

        kind = value_of(IssueType, "ISSUE_TYPE", self.type)
        item = NewCaseItem(line=line, package=package, quantity=self.quantity, type=kind)
        self.way.fill(item, "resend_quantity")
        return item


def read_claim(text: str) -> Claim:
    """Read LINE[@PARCEL]=UNITS,TYPE,MODE[,VALUE].

    Raises:
        click.UsageError: It is not so; the message names the part.
    """
    found = _CLAIM.fullmatch(text)
    if found is None or not _is_count(found["units"]):
        raise click.UsageError(
            f"{text!r} does not say what and how many; write LINE=UNITS,TYPE,MODE, such as"
            " MUG-1=2,damaged,full-refund"
        )
    kind, mode, value = (found[part].strip() for part in ("type", "mode", "value"))
    if kind not in TYPES:
        raise click.UsageError(f"{kind!r} is no type of issue; write one of {', '.join(TYPES)}")
    line, _, parcel = found["named"].partition("@")
    return Claim(line.strip(), parcel.strip(), int(found["units"]), kind, read_way(mode, value))


def read_way(mode: str, value: str) -> Way:
    """Check a mode and what it needs.

    Raises:
        click.UsageError: There is no such mode, or its value is missing or wrong.
    """
    if mode not in MODES:
        raise click.UsageError(f"{mode!r} settles nothing; write one of {', '.join(MODES)}")
    needed = _VALUES.get(mode)
    if bool(needed) != bool(value):
        wanted = f"write {mode},{needed}" if needed else f"{mode} takes no value"
        raise click.UsageError(f"{mode}{',' if value else ''}{value} is not enough: {wanted}")
    if mode == "partial-refund":
        _check_amount(value)
    if mode == "resend-parts" and not _is_count(value):
        raise click.UsageError(f"{value!r} is no number of units")
    return Way(mode, value)


def terms_of(case: "Case", typed: Sequence[str]) -> "list[ResolutionTerm]":
    """Read one term per item: ITEM=MODE[,VALUE], or MODE[,VALUE] for all items alike.

    Raises:
        click.UsageError: A term is none, or an item has no term or two.
    """
    from fbali.v1.case_pb2 import ResolutionTerm

    numbers = [item.number for item in case.items]
    ways: dict[int, Way] = {}
    for text in typed:
        named, _, value = text.partition(",")
        item, equals, mode = named.rpartition("=")
        way = read_way(mode.strip(), value.strip())
        for number in [_item_number(item, numbers)] if equals else numbers:
            if number in ways:
                raise click.UsageError(f"item {number} has more than one term")
            ways[number] = way
    missing = [str(number) for number in numbers if number not in ways]
    if missing:
        raise click.UsageError(f"no term for item {', '.join(missing)}; write ITEM=MODE")
    terms = []
    for number, way in sorted(ways.items()):
        term = ResolutionTerm(item=number)
        way.fill(term, "quantity")
        terms.append(term)
    return terms


def _item_number(text: str, numbers: Sequence[int]) -> int:
    if not _is_count(text.strip()) or int(text) not in numbers:
        known = ", ".join(map(str, numbers))
        raise click.UsageError(f"there is no item {text!r} (the case has: {known})")
    return int(text)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000  # noqa: PLR2004 - The contract's.


def _check_amount(text: str) -> None:
    try:
        _, amount_minor = parse_money(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if amount_minor <= 0:
        raise click.UsageError(f"{text!r} gives nothing back; write an amount above zero")
