"""Announces the parcels of a file, many in a call; the same file twice changes nothing."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import click

from fbali import errors
from fbali.cli import names
from fbali.cli.parcel_choice import line_named
from fbali.cli.tracking_file import Entry, Parcel
from fbali.pages import PAGE_SIZE_MAX, each_page
from fbali.v1.allocation_pb2 import Allocation
from fbali.v1.fulfillment_service_pb2 import (
    BatchCreatePackagesRequest,
    GetAllocationRequest,
    ListAllocationsRequest,
    PackageResult,
    PackageToCreate,
)
from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from fbali.v1.package_pb2 import Package, PackageLine, PackageState

OUTAGES_MAX = 3  # Each has been tried several times already; the server is away.
_HOPELESS = (errors.Unauthenticated, errors.PermissionDenied)  # Every further parcel would fail.
BATCH_PARCELS_MAX = 500  # As the contract says.
BATCH_SECONDS_MAX = 120.0
_LISTED_FROM = 20  # From so many allocations on, a list is read instead of each of them.
_LIST_PAGES_MAX = 20


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


@dataclass(frozen=True, slots=True)
class _Planned:
    """A parcel that is to be sent, and its allocation as it was read."""

    parcel: Parcel
    known: Allocation
    request: PackageToCreate


class BulkShipping:
    """Sends parcels batch by batch; keeps the allocations that it has read."""

    def __init__(self, fulfillment: FulfillmentServiceStub, *, dry_run: bool) -> None:
        """Send nothing but questions in a dry run."""
        self._fulfillment = fulfillment
        self._dry_run = dry_run
        self._known: dict[str, Allocation] = {}
        self._outages = 0
        self._is_any_done = False
        self._stop = ""

    def ship_all(self, parcels: Sequence[Parcel]) -> Iterator[Result]:
        """Give the result of each parcel in their order; one that fails does not stop the others.

        Raises:
            Unauthenticated, PermissionDenied: The token may send no parcel, and none is sent.
        """
        self._read_many({_id(parcel) for parcel in parcels})
        for start in range(0, len(parcels), BATCH_PARCELS_MAX):
            planned = [self._attempt(one) for one in parcels[start : start + BATCH_PARCELS_MAX]]
            sent = iter(self._send([one for one in planned if isinstance(one, _Planned)]))
            for one in planned:
                result = next(sent) if isinstance(one, _Planned) else one
                self._is_any_done = self._is_any_done or result.is_done
                yield result

    def _attempt(self, parcel: Parcel) -> Result | _Planned:
        if self._stop:
            return Result(parcel, Fate.NOT_TRIED, self._stop)
        try:
            found = self._plan(parcel)
        except errors.FbaliError as error:
            return self._failure(parcel, error)
        except click.UsageError as error:
            return Result(parcel, Fate.FAILED, error.message)
        self._outages = 0
        return found

    def _failure(self, parcel: Parcel, error: errors.FbaliError) -> Result:
        """Note what went wrong; raises what every further parcel would meet, if none is done."""
        if isinstance(error, _HOPELESS) and not self._is_any_done:
            raise error
        self._outages = self._outages + 1 if isinstance(error, errors.Unavailable) else 0
        if self._outages >= OUTAGES_MAX or isinstance(error, _HOPELESS):
            self._stop = error.message
        return Result(parcel, Fate.FAILED, _sentence(error))

    def _plan(self, parcel: Parcel) -> Result | _Planned:
        problems = [one.problem for one in parcel.entries if one.problem]
        if problems:
            return Result(parcel, Fate.FAILED, "; ".join(dict.fromkeys(problems)))
        known = self._allocation(parcel)
        if earlier := self._earlier(parcel, known):
            return earlier
        request = _request(parcel, known)
        self._remember_packed(known, request)
        if self._dry_run:
            return Result(parcel, Fate.WOULD_BE_SENT, _contents(known, request))
        return _Planned(parcel, known, request)

    def _send(self, planned: Sequence[_Planned]) -> list[Result]:
        """Send a batch; its request_id is made anew, since the server knows parcels it has."""
        if not planned:
            return []
        request = BatchCreatePackagesRequest(
            parent="vendors/-", packages=[one.request for one in planned]
        )
        try:
            answer = self._fulfillment.BatchCreatePackages(request, timeout=BATCH_SECONDS_MAX)
        except errors.FbaliError as error:
            for one in planned:
                self._known.pop(_id(one.parcel), None)
            return [self._failure(one.parcel, error) for one in planned]
        return [
            self._outcome(one, result) for one, result in zip(planned, answer.results, strict=True)
        ]

    def _outcome(self, planned: _Planned, result: PackageResult) -> Result:
        parcel, known = planned.parcel, planned.known
        if result.refusal_reason:
            self._known.pop(_id(parcel), None)  # It may have changed meanwhile: read it again.
            return Result(parcel, Fate.FAILED, result.refusal_message)
        if result.existed:
            self._known.pop(_id(parcel), None)
            words = _difference(parcel, known, result.package)
            return Result(parcel, Fate.ALREADY_DONE, words)
        return Result(parcel, Fate.SENT, _contents(known, planned.request))

    def _read_many(self, wanted: set[str]) -> None:
        """Read allocations from the newest pages of the list, where that takes fewer calls."""
        if len(wanted) < _LISTED_FROM:
            return
        request = ListAllocationsRequest(parent="vendors/-", page_size=PAGE_SIZE_MAX)
        try:
            pages = each_page(self._fulfillment.ListAllocations, request)
            for page in itertools.islice(pages, _LIST_PAGES_MAX):
                for found in page.allocations:
                    self._known[names.last_part(found.name)] = found
                if wanted <= self._known.keys():
                    return
        except errors.FbaliError:
            return  # Each is asked for by itself then, and says what is wrong.

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

    def _remember_packed(self, known: Allocation, request: PackageToCreate) -> None:
        """Count what will have been packed, so that later rows see what is left."""
        for sent in request.lines:
            for line in known.lines:
                if line.line == sent.line:
                    line.packed_quantity += sent.quantity


def _request(parcel: Parcel, known: Allocation) -> PackageToCreate:
    """Write what is to be announced.

    Raises:
        click.UsageError: The rows contradict each other or name no line.
    """
    carriers = {entry.carrier_code for entry in parcel.entries} - {""}
    if len(carriers) > 1:
        raise click.UsageError(f"one parcel has one carrier, not {', '.join(sorted(carriers))}")
    units = _units(parcel.entries, known)
    return PackageToCreate(
        allocation=known.name,
        tracking_number=parcel.tracking_number,
        carrier_code=next(iter(carriers), ""),
        lines=[PackageLine(line=line, quantity=units[line]) for line in sorted(units)],
    )


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


def _contents(known: Allocation, request: PackageToCreate) -> str:
    skus = {line.line: line.sku or names.last_part(line.line) for line in known.lines}
    return ", ".join(f"{one.quantity} x {skus[one.line]}" for one in request.lines)


def _sentence(error: errors.FbaliError) -> str:
    shown = [f"{one.field}: {one.description}" for one in error.violations]
    return f"{error.message}: {'; '.join(shown)}" if shown else error.message


def _id(parcel: Parcel) -> str:
    return names.last_part(parcel.allocation)
