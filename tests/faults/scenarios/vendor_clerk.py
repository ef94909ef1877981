"""Somebody at a vendor who updates its parts of orders: in order or not, once or twice, or wrongly.

What every update is to come to is known beforehand (`vendor_part`), so that each answer, each
refusal and, at the end, each row of history can be compared.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

from google.protobuf.message import Message

from fbali.client import Client
from fbali.errors import DeadlineExceeded, FbaliError, Unavailable
from fbali.v1 import fulfillment_service_pb2 as pb
from fbali.v1.allocation_pb2 import Allocation, AllocationState
from oms.domain.allocations import AllocationEvent
from tests.faults.scenarios.installation import insist
from tests.faults.scenarios.vendor_part import ILLEGAL, Part

SAME_ID_SHARE = 0.12  # Calls that are made twice at the same moment, with one request id.
NEW_ID_SHARE = 0.18  # Updates that are sent again with the same content and a new request id.
EARLY_SHARE = 0.45  # Updates that come before the one that they should follow.
ILLEGAL_SHARE = 0.1  # After so many updates comes one that nobody should send.
PATIENCE_SECONDS = 120.0  # How long a server may be away before a clerk gives up.

Outcome = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """One update: how it is called, why it is to be refused (or ""), what it changes if it is not.

    `take` gets the answer, and returns what is wrong with it, or nothing.
    """

    call: Callable[[Any], Any]
    request: Message
    expected: Callable[[], str]
    take: Callable[[Any], str | None]

    def again(self) -> "Update":
        """Return the same with another request id."""
        return Update(self.call, with_new_id(self.request), self.expected, self.take)


Step = Callable[[Client, Part, Random], Update]


class Clerk:
    """Sends the updates of some parts one after the other; each part is one clerk's alone.

    `sent` counts calls, `refused` those that were refused by reason; `wrong` says in words what
    was not as it should have been.
    """

    def __init__(self, client: Client, steps: "Steps", dice: Random) -> None:
        self.sent = 0
        self.repeated = 0
        self.early = 0
        self.refused: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._client = client
        self._steps = steps
        self._dice = dice
        self._hands = ThreadPoolExecutor(2)

    def close(self) -> None:
        self._hands.shutdown()

    def handle(self, part: Part) -> None:
        """Live through the life of a part, with everything that goes wrong in it."""
        names = self._plan()
        for place, name in enumerate(names):
            if name == "contest":
                self._contest(part)
                continue
            needs_parcel = name in self._steps.after_parcel and not part.parcels
            if needs_parcel and name not in (*names[:place], *names[place + 1 :]):
                names.append(name)  # It is refused now, and comes again when there is a parcel.
            update = self._steps.legal[name](self._client, part, self._dice)
            self._send(part, update)
            if self._dice.random() < NEW_ID_SHARE:
                self.repeated += 1
                self._send(part, update.again())
            if self._dice.random() < ILLEGAL_SHARE:
                wrong = self._dice.choice(self._steps.illegal)
                self._send(part, wrong(self._client, part, self._dice))

    def _plan(self) -> list[str]:
        names = list(self._dice.choice(self._steps.lives))
        for place in range(len(names) - 1):
            if self._dice.random() < EARLY_SHARE:
                self.early += 1
                names[place : place + 2] = names[place + 1], names[place]
        return names

    def _send(self, part: Part, update: Update) -> None:
        """Call once, or twice at the same moment, and compare with what is to come of it."""
        expected = update.expected()
        before = self._look(part) if expected else None
        copies = 2 if self._dice.random() < SAME_ID_SHARE else 1
        self.repeated += copies - 1
        outcomes = list(self._hands.map(lambda _: self._call(update), range(copies)))
        reason, answer = outcomes[0]
        if any(outcome != outcomes[0] for outcome in outcomes):
            self.wrong.append(f"{part.name}: one request id, two answers: {outcomes}")
        if reason != expected:
            self.wrong.append(f"{part.name}: {reason or 'OK'}, not {expected}: {update.request}")
        elif expected:
            self.refused[reason] += 1
            if self._look(part) != before:
                self.wrong.append(f"{part.name}: refused, and yet changed: {update.request}")
        else:
            self._take(part, update, answer)

    def _take(self, part: Part, update: Update, answer: Any) -> None:
        if complaint := update.take(answer):
            self.wrong.append(f"{part.name}: {complaint}")
        if "allocation" in answer.DESCRIPTOR.fields_by_name:
            part.etag = answer.allocation.etag
            state = AllocationState.Name(answer.allocation.state)
            if state != f"ALLOCATION_STATE_{part.state}":
                self.wrong.append(f"{part.name}: {state}, not {part.state}: {update.request}")

    def _contest(self, part: Part) -> None:
        """Accept and reject at the same moment: one of them does, the other is told."""
        if part.may_move(AllocationEvent.REJECT):
            return
        both = [self._steps.legal[n](self._client, part, self._dice) for n in ("accept", "reject")]
        outcomes = list(self._hands.map(self._call, both))
        if sorted(reason for reason, _ in outcomes) != ["", ILLEGAL]:
            self.wrong.append(f"{part.name}: accepted and rejected at once: {outcomes}")
            return
        self.refused[ILLEGAL] += 1
        [winner] = [place for place, (reason, _) in enumerate(outcomes) if not reason]
        self._take(part, both[winner], outcomes[winner][1])

    def _call(self, update: Update) -> Outcome:
        """Call until it is answered; return the reason of a refusal, or the answer."""
        self.sent += 1
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return "", update.call(update.request)
            except (Unavailable, DeadlineExceeded):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            except FbaliError as error:
                return error.reason or error.code, None

    def _look(self, part: Part) -> Allocation:
        """Read everything of a part but when its parcels are looked for again."""
        request = pb.GetAllocationRequest(name=part.name)
        answer = insist(lambda: self._client.fulfillment.GetAllocation(request))
        found: Allocation = answer.allocation
        for parcel in found.packages:
            parcel.ClearField("next_poll_time")
            parcel.ClearField("etag")
        return found


@dataclass(frozen=True, slots=True)
class Steps:
    """What clerks do: by name what may be legal, what never is, and lives as names in order.

    `after_parcel` names the steps that need a parcel.
    """

    legal: dict[str, Step]
    illegal: Sequence[Step]
    lives: Sequence[Sequence[str]]
    after_parcel: frozenset[str]


def with_new_id(request: Message) -> Message:
    """Copy a request under a request id of its own."""
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]
    return copy
