"""Announces the parcels of a file, each for itself, so that the same file twice changes nothing."""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import click

from fbali import errors
from fbali.cli import names
from fbali.cli.parcel_choice import line_named
from fbali.cli.tracking_file import Entry, Parcel
from fbali.v1.allocation_pb2 import Allocation
from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest, GetAllocationRequest
from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from fbali.v1.package_pb2 import Package, PackageLine, PackageState

OUTAGES_MAX = 3  # Each has been tried several times already; the server is away.
_HOPELESS = (errors.Unauthenticated, errors.PermissionDenied)  # Every further parcel would fail.
_REQUEST_IDS = uuid.UUID("5b0c2f0e-6d0a-5d55-9a52-6f6b61d1a7c4")  # Any, but the same for ever.


class Fate(StrEnum):
    """What became of a parcel."""

    SENT = "sent"
    WOULD_BE_SENT = "would be sent"
    ALREADY_DONE = "already done"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Result:
    """A parcel of the file with its fate, in the server's words where it has some."""

    parcel: Parcel
    fate: Fate
    words: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do about it."""
        return self.fate in {Fate.SENT, Fate.WOULD_BE_SENT, Fate.ALREADY_DONE}


class BulkShipping:
    """Sends parcels one after the other; keeps the allocations that it has read."""

    def __init__(self, fulfillment: FulfillmentServiceStub, *, dry_run: bool) -> None:
        """Send nothing but questions in a dry run."""
        self._fulfillment = fulfillment
        self._dry_run = dry_run
        self._known: dict[str, Allocation] = {}

    def ship_all(self, parcels: Sequence[Parcel]) -> Iterator[Result]:
        """Give the result of each parcel as it comes; one that fails does not stop the others.

        Raises:
            Unauthenticated, PermissionDenied: The token may send no parcel, and none is sent.
        """
        outages, is_any_done, stop = 0, False, ""
        for parcel in parcels:
            if stop:
                yield Result(parcel, Fate.NOT_TRIED, stop)
                continue
            result = self._attempt(parcel)
            if isinstance(result, errors.FbaliError):
                if isinstance(result, _HOPELESS) and not is_any_done:
                    raise result
                outages = outages + 1 if isinstance(result, errors.Unavailable) else 0
                is_over = outages >= OUTAGES_MAX or isinstance(result, _HOPELESS)
                stop = result.message if is_over else ""
                yield Result(parcel, Fate.FAILED, _sentence(result))
            else:
                outages = 0
                is_any_done = is_any_done or result.is_done
                yield result

    def _attempt(self, parcel: Parcel) -> Result | errors.FbaliError:
        try:
            return self._ship(parcel)
        except errors.FbaliError as error:
            return error
        except click.UsageError as error:
            return Result(parcel, Fate.FAILED, error.message)

    def _ship(self, parcel: Parcel) -> Result:
        problems = [one.problem for one in parcel.entries if one.problem]
        if problems:
            return Result(parcel, Fate.FAILED, "; ".join(dict.fromkeys(problems)))
        known = self._allocation(parcel)
        if earlier := self._earlier(parcel, known):
            return earlier
        request = _request(parcel, known)
        if self._dry_run:
            self._remember_packed(known, request)
            return Result(parcel, Fate.WOULD_BE_SENT, _contents(known, request))
        try:
            answer = self._fulfillment.CreatePackage(request)
        except errors.AlreadyExists:
            del self._known[_id(parcel)]
            if earlier := self._earlier(parcel, self._allocation(parcel)):
                return earlier
            raise
        except errors.FbaliError:
            self._known.pop(_id(parcel), None)  # It may have changed meanwhile: read it again.
            raise
        self._known[_id(parcel)] = answer.allocation
        return Result(parcel, Fate.SENT, _contents(known, request))

    def _allocation(self, parcel: Parcel) -> Allocation:
        if _id(parcel) not in self._known:
            name = names.ALLOCATION.convert(parcel.allocation, None, None)
            answer = self._fulfillment.GetAllocation(GetAllocationRequest(name=name))
            self._known[_id(parcel)] = answer.allocation
        return self._known[_id(parcel)]

    def _earlier(self, parcel: Parcel, known: Allocation) -> Result | None:
        """Find the parcel as an earlier run announced it."""
        same = [one for one in known.packages if one.tracking_number == parcel.tracking_number]
        live = [one for one in same if one.state != PackageState.PACKAGE_STATE_VOIDED]
        if live:
            return Result(parcel, Fate.ALREADY_DONE, _difference(parcel, known, live[0]))
        if same:
            words = "it was voided; to announce it again: fbali allocations ship ALLOCATION NUMBER"
            return Result(parcel, Fate.FAILED, words)
        return None

    def _remember_packed(self, known: Allocation, request: CreatePackageRequest) -> None:
        """Count what a dry run would have packed, so that later rows see what is left."""
        for sent in request.lines:
            for line in known.lines:
                if line.line == sent.line:
                    line.packed_quantity += sent.quantity


def _request(parcel: Parcel, known: Allocation) -> CreatePackageRequest:
    """Write the call; the same parcel always has the same request_id.

    Raises:
        click.UsageError: The rows contradict each other or name no line.
    """
    carriers = {entry.carrier_code for entry in parcel.entries} - {""}
    if len(carriers) > 1:
        raise click.UsageError(f"one parcel has one carrier, not {', '.join(sorted(carriers))}")
    units = _units(parcel.entries, known)
    request = CreatePackageRequest(
        parent=known.name,
        tracking_number=parcel.tracking_number,
        carrier_code=next(iter(carriers), ""),
        lines=[PackageLine(line=line, quantity=units[line]) for line in sorted(units)],
    )
    contents = [f"{one.line}={one.quantity}" for one in request.lines]
    intent = "\n".join([request.parent, request.tracking_number, request.carrier_code, *contents])
    request.request_id = str(uuid.uuid5(_REQUEST_IDS, intent))
    return request


def _units(entries: Sequence[Entry], known: Allocation) -> Counter[str]:
    """Count the units of each line; without a quantity it is all that is left."""
    left = {line.line: line.quantity - line.packed_quantity for line in known.lines}
    if any(not entry.item for entry in entries):
        if len(entries) > 1:
            raise click.UsageError("a row without line and sku stands for all; it must be alone")
        units = Counter({line: quantity for line, quantity in left.items() if quantity > 0})
    else:
        units = Counter()
        for entry in entries:
            line = line_named(known, entry.item).line
            units[line] += left[line] if entry.quantity is None else entry.quantity
    if not units or min(units.values()) <= 0:
        raise click.UsageError("nothing is left to pack")
    return units


def _difference(parcel: Parcel, known: Allocation, package: Package) -> str:
    """Say that a parcel was announced with other contents than the file has."""
    if any(entry.quantity is None for entry in parcel.entries):
        return ""
    try:
        wanted = _units(parcel.entries, known)
    except click.UsageError:
        return ""
    is_same = wanted == Counter({line.line: line.quantity for line in package.lines})
    return "" if is_same else "it was announced with other contents than the file says"


def _contents(known: Allocation, request: CreatePackageRequest) -> str:
    skus = {line.line: line.sku or names.last_part(line.line) for line in known.lines}
    return ", ".join(f"{one.quantity} x {skus[one.line]}" for one in request.lines)


def _sentence(error: errors.FbaliError) -> str:
    shown = [f"{one.field}: {one.description}" for one in error.violations]
    return f"{error.message}: {'; '.join(shown)}" if shown else error.message


def _id(parcel: Parcel) -> str:
    return names.last_part(parcel.allocation)
