"""Finds the line and the parcel that a merchant names in a claim."""

from collections.abc import Sequence

import click

from fbali.cli.case_terms import Claim
from fbali.cli.names import last_part
from fbali.v1.after_sales_service_pb2 import NewCaseItem
from fbali.v1.eligibility_pb2 import UnitEligibility
from fbali.v1.order_pb2 import Order


def claimed_item(claim: Claim, order: Order, units: Sequence[UnitEligibility]) -> NewCaseItem:
    """Write a claim with full names; the parcel stays empty where it was not named.

    Raises:
        click.UsageError: The line or the parcel is named by nothing, or by several.
    """
    line = _line(claim.line, units)
    return claim.message(line, _package(claim.parcel, order) if claim.parcel else "")


def tracking_numbers(order: Order) -> dict[str, str]:
    """Give the tracking number of every parcel of an order, by the parcel's name."""
    return {
        package.name: package.tracking_number
        for allocation in order.allocations
        for package in allocation.packages
    }


def _line(named: str, units: Sequence[UnitEligibility]) -> str:
    found = {unit.line for unit in units if named in {unit.sku, unit.line, last_part(unit.line)}}
    if len(found) != 1:
        skus = sorted({unit.sku or last_part(unit.line) for unit in units})
        count = "no line" if not found else "several lines"
        raise click.UsageError(f"{named!r} names {count} of this order (it has: {', '.join(skus)})")
    return found.pop()


def _package(named: str, order: Order) -> str:
    numbers = tracking_numbers(order)
    found = [name for name, number in numbers.items() if named in {number, name, last_part(name)}]
    if len(found) != 1:
        known = ", ".join(numbers.values()) or "none"
        count = "no parcel" if not found else "several parcels"
        raise click.UsageError(f"{named!r} names {count} of this order (it has: {known})")
    return found[0]
