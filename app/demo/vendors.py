"""A pretend vendor: a program that works through its part of the orders over the public API.

It knows a server, a token and its own habits, nothing else. It looks at its list again and again,
does one thing for each allocation, and survives a server that is away: whatever it repeats carries
the request id of the first time.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from app.demo.endings import Ending, Stopped
from app.demo.habits import Handling, costs_of, first_parcel, handling_of, label, unpacked
from app.demo.intents import request_id
from fbali.client import Client
from fbali.errors import Conflict, DeadlineExceeded, FbaliError, Refused, Unavailable
from fbali.v1.allocation_pb2 import Allocation, AllocationState, RejectReason
from fbali.v1.fulfillment_service_pb2 import (
    AcceptAllocationRequest,
    AcceptPartnershipRequest,
    AnswerCancellationRequest,
    CreatePackageRequest,
    ListAllocationsRequest,
    ListVendorPartnershipsRequest,
    RecordCostsRequest,
    RejectAllocationRequest,
)
from fbali.v1.vendor_pb2 import PartnershipState

OPEN_STATES: Final = (
    AllocationState.ALLOCATION_STATE_SUBMITTED,
    AllocationState.ALLOCATION_STATE_ACCEPTED,
    AllocationState.ALLOCATION_STATE_CANCELLATION_REQUESTED,
)
PAGE_SIZE: Final = 200  # What is listed at once; the rest comes when these are done.
_PARTNERSHIPS: Final = 50


@dataclass(frozen=True, slots=True)
class VendorOptions:
    """Who the vendor is and how it works.

    `label_prefix` begins its tracking numbers. `steps_per_round` bounds what it does between two
    looks at its list, `seconds_per_round` is how long it rests before the next one.
    """

    display_name: str
    label_prefix: str
    may_reject: bool = True
    steps_per_round: int = 16
    seconds_per_round: float = 0.3


@dataclass(frozen=True, slots=True)
class Tally:
    """What a vendor did so far."""

    invitations: int = 0
    accepted: int = 0
    rejected: int = 0
    charged: int = 0
    parcels: int = 0
    units: int = 0
    outages: int = 0


class VendorAgent:
    """One pretend vendor, working in a thread of its own."""

    def __init__(self, client: Client, options: VendorOptions, ending: Ending) -> None:
        """Do nothing until `start`."""
        self.options = options
        self.tally = Tally()
        self.failure: FbaliError | None = None
        self._calls = client.fulfillment
        self._ending = ending
        self._round = 0
        self._packed_in_round: dict[str, int] = {}
        self._charged: set[str] = set()
        self._labels: dict[str, list[str]] = {}
        self._short_of: set[str] = set()
        self._thread = threading.Thread(target=self._work, name=options.display_name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def run_short_of(self, order_number: str) -> None:
        """Accept this order, and wait for its goods before doing anything more about it."""
        self._short_of.add(order_number)

    def join(self) -> None:
        """Wait until it has noticed the end."""
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        try:
            while True:
                self._work_a_round()
                self._ending.pause(self.options.seconds_per_round)
        except Stopped:
            return
        except FbaliError as error:
            self.failure = error

    def _work_a_round(self) -> None:
        """Look at the list and do the next thing for some; a server that is away is waited for."""
        self._round += 1
        try:
            self._accept_invitations()
            for allocation in self._next_ones():
                self._ending.check()
                self._take_a_step(allocation)
        except (Unavailable, DeadlineExceeded):
            self._count(outages=1)

    def _accept_invitations(self) -> None:
        request = ListVendorPartnershipsRequest(parent="vendors/-", page_size=_PARTNERSHIPS)
        for partnership in self._calls.ListVendorPartnerships(request).partnerships:
            if partnership.state == PartnershipState.PARTNERSHIP_STATE_INVITED:
                name = partnership.name
                self._calls.AcceptPartnership(
                    AcceptPartnershipRequest(name=name, request_id=request_id("join", name))
                )
                self._count(invitations=1)

    def _next_ones(self) -> Iterator[Allocation]:
        request = ListAllocationsRequest(
            parent="vendors/-", states=OPEN_STATES, page_size=PAGE_SIZE
        )
        listed = self._calls.ListAllocations(request).allocations
        ready = [allocation for allocation in listed if not self._is_resting(allocation)]
        yield from ready[: self.options.steps_per_round]

    def _is_resting(self, allocation: Allocation) -> bool:
        """Tell whether goods are missing, or the second parcel is still being prepared."""
        is_accepted = allocation.state == AllocationState.ALLOCATION_STATE_ACCEPTED
        if is_accepted and allocation.order_number in self._short_of:
            return True
        packed_in = self._packed_in_round.get(allocation.name)
        if packed_in is None:
            return False
        return self._round - packed_in < self._handling(allocation).rounds_between

    def _handling(self, allocation: Allocation) -> Handling:
        options = self.options
        return handling_of(
            options.label_prefix, allocation.order_number, may_reject=options.may_reject
        )

    def _take_a_step(self, allocation: Allocation) -> None:
        """Answer, then charge, then pack; one of these at a time."""
        is_new = allocation.state == AllocationState.ALLOCATION_STATE_SUBMITTED
        try:
            if allocation.state == AllocationState.ALLOCATION_STATE_CANCELLATION_REQUESTED:
                self._give_back(allocation)
            elif is_new and self._handling(allocation).rejects:
                self._reject(allocation)
            elif is_new:
                self._accept(allocation)
            elif not allocation.case and allocation.name not in self._charged:
                self._charge(allocation)
            else:
                self._pack(allocation)
        except (Refused, Conflict):
            # It changed since it was listed, for example because the store took units out.
            return

    def _accept(self, allocation: Allocation) -> None:
        name = allocation.name
        self._calls.AcceptAllocation(
            AcceptAllocationRequest(name=name, request_id=request_id("accept", name))
        )
        self._count(accepted=1)

    def _reject(self, allocation: Allocation) -> None:
        name = allocation.name
        self._calls.RejectAllocation(
            RejectAllocationRequest(
                name=name,
                reject_reason=RejectReason.REJECT_REASON_OUT_OF_STOCK,
                note="back in two weeks",
                request_id=request_id("reject", name),
            )
        )
        self._count(rejected=1)

    def _give_back(self, allocation: Allocation) -> None:
        """Agree to what is asked back; what is packed goes out all the same."""
        name = allocation.name
        self._calls.AnswerCancellation(
            AnswerCancellationRequest(
                name=name,
                agreed=True,
                etag=allocation.etag,
                request_id=request_id("give back", name, allocation.etag),
            )
        )

    def _charge(self, allocation: Allocation) -> None:
        name = allocation.name
        self._calls.RecordCosts(
            RecordCostsRequest(
                name=name, costs=costs_of(allocation), request_id=request_id("charge", name)
            )
        )
        self._charged.add(name)
        self._count(charged=1)

    def _pack(self, allocation: Allocation) -> None:
        """Pack the next parcel: what the handling says first, all the rest second."""
        name, parcels = allocation.name, len(allocation.packages)
        lines = first_parcel(allocation.lines, self._handling(allocation).parcels)
        request = CreatePackageRequest(
            parent=name,
            tracking_number=self._label(allocation, parcels),
            lines=[] if parcels else lines,
            request_id=request_id("pack", name, str(parcels)),
        )
        self._calls.CreatePackage(request)
        self._packed_in_round[name] = self._round
        units = sum(line.quantity for line in request.lines)
        self._count(parcels=1, units=units or sum(unpacked(allocation.lines).values()))

    def _label(self, allocation: Allocation, parcels: int) -> str:
        """Take the next label for the order from the roll, or the one taken for this parcel."""
        # The number belongs to the parcel from the first try on: a second try must say the same.
        roll = self._labels.setdefault(allocation.order_number, [])
        parcel = f"{allocation.name}/{parcels}"
        if parcel not in roll:
            roll.append(parcel)
        count = roll.index(parcel) + 1
        return label(self.options.label_prefix, allocation.order_number, count)

    def _count(self, **more: int) -> None:
        counted = {name: getattr(self.tally, name) + extra for name, extra in more.items()}
        self.tally = replace(self.tally, **counted)
