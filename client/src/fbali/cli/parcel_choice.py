"""Finds the parcel and the lines that a vendor names by tracking number, SKU or id."""

from collections.abc import Sequence

import click

from fbali.cli.names import last_part
from fbali.v1.allocation_pb2 import Allocation, AllocationLine
from fbali.v1.package_pb2 import Package, PackageLine, PackageState


def choose_parcel(allocation: Allocation, named: str | None) -> Package:
    """Find the parcel by tracking number, id or name; the only one that is not void if not named.

    Raises:
        click.UsageError: There is none, or more than one fits.
    """
    fitting = [one for one in allocation.packages if named is None or _fits(one, named)]
    live = [one for one in fitting if one.state != PackageState.PACKAGE_STATE_VOIDED]
    chosen = live or (fitting if named else [])
    if len(chosen) == 1:
        return chosen[0]
    numbers = ", ".join(one.tracking_number for one in allocation.packages) or "none"
    problem = f"there is no parcel {named!r}" if named else "there is no parcel to choose"
    if chosen:
        problem = "there are several parcels; name one of them"
    raise click.UsageError(f"{problem} (this allocation has: {numbers})")


def package_lines(allocation: Allocation, named: Sequence[str]) -> list[PackageLine]:
    """Read SKU=UNITS pairs.

    Raises:
        click.UsageError: A pair is none, or names no line or several.
    """
    return [_package_line(allocation, pair) for pair in named]


def line_named(allocation: Allocation, name: str) -> AllocationLine:
    """Find a line by its SKU, the vendor's or the store's, or by its id.

    Raises:
        click.UsageError: It names no line or several.
    """
    fitting = [line for line in allocation.lines if name in _names(line)]
    if len(fitting) != 1:
        skus = ", ".join(line.sku or last_part(line.line) for line in allocation.lines)
        count = "no line" if not fitting else "several lines"
        raise click.UsageError(f"{name!r} names {count} of this allocation (it has: {skus})")
    return fitting[0]


def _package_line(allocation: Allocation, pair: str) -> PackageLine:
    name, _, units = pair.rpartition("=")
    if not (name and units.isascii() and units.isdigit() and int(units)):
        raise click.UsageError(f"{pair!r} does not say what and how many; write SKU=UNITS")
    return PackageLine(line=line_named(allocation, name).line, quantity=int(units))


def _names(line: AllocationLine) -> set[str]:
    return {line.sku, line.vendor_sku, line.line, last_part(line.line)} - {""}


def _fits(package: Package, named: str) -> bool:
    return named in {package.tracking_number, package.name, last_part(package.name)}
