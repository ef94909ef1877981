"""What a vendor has to know of its allocations, for those who watch them."""

from typing import Any

from fbali.cli.changes import States, states_of
from fbali.cli.views.values import last_part
from fbali.client import Client
from fbali.pages import each_item
from fbali.v1.allocation_pb2 import Allocation, AllocationState
from fbali.v1.fulfillment_service_pb2 import GetAllocationRequest, ListAllocationsRequest

LIVE = (
    AllocationState.ALLOCATION_STATE_SUBMITTED,
    AllocationState.ALLOCATION_STATE_ACCEPTED,
    AllocationState.ALLOCATION_STATE_CANCELLATION_REQUESTED,
)


class Work:
    """The allocations that are not finished, as they were when they were last looked at."""

    def __init__(self, client: Client, only: str | None) -> None:
        """Look at all of the caller's, or at one only."""
        self._client = client
        self._only = only
        self.allocations: dict[str, Allocation] = {}

    def look(self, event: Any) -> States:
        """Look at what an event is about, or at everything; give the states of what was seen."""
        if event is not None:
            seen = [self._get(event.allocation)]
        elif self._only:
            seen = [self._get(self._only)]
        else:
            seen = self._all()
        self.allocations |= {one.name: one for one in seen}
        return {key: state for one in seen for key, state in states_in(one).items()}

    def _all(self) -> list[Allocation]:
        """Give what is not finished, and what was not when it was last looked at."""
        request = ListAllocationsRequest(parent="vendors/-", states=LIVE)
        live = list(each_item(self._client.fulfillment.ListAllocations, request))
        names = {one.name for one in live}
        left = [one for one in self.allocations.values() if one.state in LIVE]
        return live + [self._get(one.name) for one in left if one.name not in names]

    def _get(self, name: str) -> Allocation:
        request = GetAllocationRequest(name=name)
        return self._client.fulfillment.GetAllocation(request).allocation


def states_in(allocation: Allocation) -> States:
    """Say the state of an allocation and of its parcels."""
    return states_of(allocation, last_part(allocation.order_number))
