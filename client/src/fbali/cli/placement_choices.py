"""Reads what a merchant decides about products that no vendor hosts: from options or a file."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbali.cli import names

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.placement_pb2 import PlacementChoice

CHOICES_MAX = 500  # The contract takes no more in one call.
COLUMNS = ("product", "variant", "action", "vendor", "remember")
_YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be done with a product, or with one variant of it.

    Without a vendor it is "Done": nobody processes it. `remember` makes a hosting of it.
    """

    product: str
    vendor: str = ""
    remember: bool = False
    variant: str = ""

    def message(self) -> "PlacementChoice":
        """Write it as the contract does."""
        from fbali.v1.placement_pb2 import PlacementChoice

        message = PlacementChoice(
            product=self.product, variant=self.variant, remember=self.remember
        )
        if self.vendor:
            message.vendor = self.vendor
        else:
            message.exclude = True
        return message


def hosted(pairs: Iterable[str], *, remember: bool) -> Iterator[Choice]:
    """Read PRODUCT=VENDOR pairs.

    Raises:
        click.UsageError: One is no such pair.
    """
    for pair in pairs:
        product, equals, vendor = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{pair!r} does not say who gets what; write PRODUCT=VENDOR")
        yield Choice(_product(product), _vendor(vendor), remember=remember)


def read_file(path: Path) -> Iterator[Choice]:
    """Read choices from a CSV file whose first row names its columns.

    `action` is host, done or wait; variant, vendor and remember may be empty or left out.

    Raises:
        click.UsageError: It is no such file; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, reader.fieldnames or [])
            for row in reader:
                yield from _read_row(row, f"{path}, line {reader.line_num}")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path} is not written in UTF-8") from error
    except csv.Error as error:
        raise click.UsageError(f"{path} is no CSV file: {error}") from error


def without_contradiction(choices: Iterable[Choice]) -> list[Choice]:
    """Give the choices, of which no two may be about the same.

    Raises:
        click.UsageError: Two are, or there are too many.
    """
    found = list(choices)
    counts = Counter((names.last_part(one.product), names.last_part(one.variant)) for one in found)
    twice = [" variant ".join(filter(None, key)) for key, count in counts.items() if count > 1]
    if twice:
        raise click.UsageError(f"there is more than one choice for {', '.join(twice)}")
    if len(found) > CHOICES_MAX:
        raise click.UsageError(f"{len(found)} choices are too many; give at most {CHOICES_MAX}")
    return found


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    unknown = [one for one in columns if one not in COLUMNS]
    missing = [one for one in ("product", "action") if one not in columns]
    if unknown or missing:
        found = ",".join(columns) or "nothing"
        raise click.UsageError(f"{path} must begin with {','.join(COLUMNS)}; it has {found}")


def _read_row(row: Mapping[str, str | None], place: str) -> Iterator[Choice]:
    """Read one row; one that says wait gives nothing."""
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    action, vendor = values["action"].lower(), values["vendor"]
    remember = _YES_OR_NO.get(values["remember"].lower() or "no")
    problem = _problem(action, vendor, remember)
    if problem:
        raise click.UsageError(f"{place}: {problem}")
    if action == "wait":
        return
    try:
        product = _product(values["product"])
        yield Choice(
            product,
            _vendor(vendor) if vendor else "",
            remember=bool(remember),
            variant=_variant(product, values["variant"]),
        )
    except click.BadParameter as error:
        raise click.UsageError(f"{place}: {error.message}") from error


def _problem(action: str, vendor: str, remember: bool | None) -> str:  # noqa: FBT001 - A cell.
    if action not in {"host", "done", "wait"}:
        return f"the action {action!r} is none; write host, done or wait"
    if remember is None:
        return "remember is yes or no"
    if (action == "host") != bool(vendor):
        return "host needs a vendor" if action == "host" else f"{action} takes no vendor"
    if remember and action != "host":
        return f"{action} cannot be remembered"
    return ""


def _product(text: str) -> str:
    return names.PRODUCT.convert(text.strip(), None, None)


def _vendor(text: str) -> str:
    return names.VENDOR.convert(text.strip(), None, None)


def _variant(product: str, text: str) -> str:
    return f"{product}/variants/{names.VARIANT.convert(text, None, None)}" if text else ""
