"""What stores are told of parcels: when, how far it has come, and what a correction changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from oms.domain.ledger import LineLedger
from oms.domain.stores import WriteBackMode
from oms.domain.transitions import TransitionTable

FAILURES_MAX: Final = 12  # Failed attempts in a row before it is given up: about half a day.
BACK_OFF_FIRST_MS: Final = 5_000
BACK_OFF_MAX_MS: Final = 7_200_000


class WriteBackState(StrEnum):
    """How far a store has been told of a parcel."""

    PENDING = "PENDING"
    SENT = "SENT"  # Being sent: what arrived is looked up before anything is sent again.
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"  # The parcel was voided before the store was told.


class WriteBackEvent(StrEnum):
    """What happens to a write-back."""

    SEND = "send"
    CONFIRM = "confirm"
    GIVE_UP = "give up"
    RETRY = "retry"
    SUPERSEDE = "supersede"


class WriteBackMethod(StrEnum):
    """How a store can be told, the best way first."""

    CORE_FULFILLMENT = "CORE_FULFILLMENT"
    SHIPMENT_TRACKING = "SHIPMENT_TRACKING"
    NOTE_AND_STATUS = "NOTE_AND_STATUS"


_S, _E = WriteBackState, WriteBackEvent

WRITE_BACK_TABLE: Final = TransitionTable(
    "write-back",
    _S.PENDING,
    {
        (_S.PENDING, _E.SEND): _S.SENT,
        (_S.PENDING, _E.GIVE_UP): _S.FAILED,
        (_S.PENDING, _E.SUPERSEDE): _S.SUPERSEDED,
        (_S.SENT, _E.SEND): _S.SENT,
        (_S.SENT, _E.CONFIRM): _S.CONFIRMED,
        (_S.SENT, _E.GIVE_UP): _S.FAILED,
        (_S.SENT, _E.SUPERSEDE): _S.SUPERSEDED,
        (_S.FAILED, _E.RETRY): _S.PENDING,
        (_S.FAILED, _E.SUPERSEDE): _S.SUPERSEDED,
    },
)

UNFINISHED_STATES: Final = (_S.PENDING, _S.SENT)


@dataclass(frozen=True, slots=True)
class WriteBack:
    """One parcel and its store. Instants are epoch milliseconds.

    `method` is None until the first attempt, and stays: what was written is looked up where it was
    written. `is_outdated` says that the parcel was voided after the store was told.
    """

    id: str
    merchant_id: str
    order_id: str
    store_id: str
    package_id: str
    tracking_number: str
    state: WriteBackState
    method: WriteBackMethod | None
    failure_count: int
    problem_reason: str
    problem_message: str
    external_id: str
    is_outdated: bool
    next_attempt_at: int | None
    created_at: int
    finished_at: int | None
    order_number: str
    allocation_id: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class ParcelWord:
    """What a store is told of a parcel.

    `marker` is put into the store where it has room for it, and is what the parcel is found by
    again. `units` are the store's line ids with units above 0; `shipped_at` is epoch seconds.
    """

    marker: str
    order_external_id: str
    tracking_number: str
    shipped_at: int
    units: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ParcelStanding:
    """A parcel as far as telling the store of it depends on it.

    `is_tellable` says that a carrier has it, since the store is to be told, and that it holds units
    of the order's own lines: a replacement is no business of the store. `told` is how far telling
    has come, None when it has not begun.
    """

    package_id: str
    is_tellable: bool
    is_void: bool
    told: WriteBackState | None = None
    is_outdated: bool = False


class Action(StrEnum):
    """What is to be done about a parcel."""

    NOTHING = "NOTHING"
    TELL = "TELL"
    SUPERSEDE = "SUPERSEDE"
    MARK_OUTDATED = "MARK_OUTDATED"


# Mode, and whether nothing of the order waits for a vendor or a carrier any more -> what is done
# about a parcel that the store has not been told of.
FIRST_WORDS: Final[Mapping[tuple[WriteBackMode, bool], Action]] = {
    (WriteBackMode.SEPARATE, False): Action.TELL,
    (WriteBackMode.SEPARATE, True): Action.TELL,
    (WriteBackMode.TOGETHER, False): Action.NOTHING,
    (WriteBackMode.TOGETHER, True): Action.TELL,
    (WriteBackMode.OFF, False): Action.NOTHING,
    (WriteBackMode.OFF, True): Action.NOTHING,
}

# How far telling had come when the parcel was voided -> what is done. What a store was told is not
# taken back by itself: its customer has read it, so that is for the merchant to put right.
VOIDED_WORDS: Final[Mapping[WriteBackState, Action]] = {
    _S.PENDING: Action.SUPERSEDE,
    _S.SENT: Action.MARK_OUTDATED,
    _S.CONFIRMED: Action.MARK_OUTDATED,
    _S.FAILED: Action.SUPERSEDE,
    _S.SUPERSEDED: Action.NOTHING,
}


def decide(
    mode: WriteBackMode, parcels: Sequence[ParcelStanding], *, has_waiting_units: bool
) -> Mapping[str, Action]:
    """Say what is to be done, by package id; parcels about which nothing is done are left out.

    The result depends on the present state alone, so deciding again after doing it is empty.
    """
    actions = {
        parcel.package_id: _action(mode, parcel, is_settled=not has_waiting_units)
        for parcel in parcels
    }
    return {key: action for key, action in actions.items() if action != Action.NOTHING}


def _action(mode: WriteBackMode, parcel: ParcelStanding, *, is_settled: bool) -> Action:
    if parcel.told is None:
        is_ripe = parcel.is_tellable and not parcel.is_void
        return FIRST_WORDS[mode, is_settled] if is_ripe else Action.NOTHING
    if not parcel.is_void or parcel.is_outdated:
        return Action.NOTHING
    return VOIDED_WORDS[parcel.told]


def has_waiting_units(lines: Sequence[LineLedger]) -> bool:
    """Tell whether units of an order wait for a vendor, or in a parcel for the carrier."""
    return any(line.open or line.allocated or line.packed > line.handed_over for line in lines)


def is_wholly_shipped(lines: Sequence[LineLedger]) -> bool:
    """Tell whether carriers have all that the store wants, so that the order is complete.

    Units that the merchant excluded are not: whether he shipped them is not known here.
    """
    is_some = any(line.handed_over for line in lines)
    return is_some and not has_waiting_units(lines) and not any(line.excluded for line in lines)


def pause_ms(failures: int, jitter: float) -> int:
    """Return how long to wait after the n-th failure in a row; `jitter` is in [0, 1)."""
    delay = min(BACK_OFF_FIRST_MS * 2 ** max(0, failures - 1), BACK_OFF_MAX_MS)
    return int(delay * (0.75 + jitter / 2))
