"""Draft cases and submit them: one case per vendor, each with what is claimed and asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from oms.domain.case_views import CaseView
from oms.domain.cases import DRAFT_DAYS, CaseAction, advance
from oms.domain.claims import DAY_MS, IssueType, ParcelUnits
from oms.domain.errors import InvalidInput, NotFound, Refused
from oms.domain.ids import IdKind, new_id
from oms.domain.principals import Role
from oms.domain.settlements import Term, check_terms
from oms.storage import cases, claims, events, orders
from oms.storage.cases import CaseMove, CaseRecord, NewCase, NewItem
from oms.storage.events import NewEvent
from oms.usecases.check_claims import ClaimedUnits, parcel_of, require_claimable
from oms.usecases.context import Transaction, require_version
from oms.usecases.move_cases import lock_case, shift, view_of
from oms.usecases.plan_refunds import plan_refunds


@dataclass(frozen=True, slots=True)
class WantedItem:
    """Units that are claimed, and what is asked for them; the term's item number is not set."""

    line_id: str
    package_id: str
    quantity: int
    type: IssueType
    term: Term


@dataclass(frozen=True, slots=True)
class CreateCase:
    """What the calling merchant claims of one of its orders."""

    order_id: str
    description: str
    items: Sequence[WantedItem]


def create_case(tx: Transaction, command: CreateCase) -> list[CaseView]:
    """Draft a case per vendor of the items; return them in the order of the vendors' ids.

    Raises:
        NotFound, InvalidInput
        Refused: UNITS_NOT_CLAIMABLE, REFUND_EXCEEDS_PAID
    """
    name = f"merchants/{tx.owner_id}/orders/{command.order_id}"
    if command.order_id not in orders.lock_owned(tx.db, tx.owner_id, [command.order_id]):
        raise NotFound.of(name)
    _require_words(command.description)
    parcels = claims.parcels_of(tx.db, tx.owner_id, command.order_id)
    wanted = _in_parcels(tx, command.order_id, parcels, command.items)
    require_claimable(parcels, [_claim(item) for item, _ in wanted], tx.now_ms)
    group_id = new_id(IdKind.CASE_GROUP, tx.now_ms)
    made = []
    for vendor_id in sorted({units.vendor_id for _, units in wanted}):
        part = [(item, units) for item, units in wanted if units.vendor_id == vendor_id]
        case = NewCase(
            id=new_id(IdKind.CASE, tx.now_ms),
            merchant_id=tx.owner_id,
            order_id=command.order_id,
            vendor_id=vendor_id,
            group_id=group_id,
            description=command.description,
            policy=part[0][1].policy,
            deadline_at=tx.now_ms + DRAFT_DAYS * DAY_MS,
        )
        cases.insert(tx.db, case, tx.now_ms)
        made.append(cases.record(tx.db, case.id))
        _write_items(tx, made[-1], [item for item, _ in part])
        _write_history(tx, made[-1], "case.created", {"after": "DRAFT"})
    return [view_of(tx, case) for case in made]


@dataclass(frozen=True, slots=True)
class UpdateCase:
    """A draft of the calling merchant; an empty description and no items leave what is there."""

    name: str
    description: str = ""
    items: Sequence[WantedItem] = ()
    etag: str = ""


def update_case(tx: Transaction, command: UpdateCase) -> CaseView:
    """Change a draft; it is kept for 30 days from now.

    Raises:
        NotFound, InvalidInput, IllegalTransition, Conflict
        Refused: UNITS_NOT_CLAIMABLE, REFUND_EXCEEDS_PAID
    """
    case = lock_case(tx, command.name)
    require_version(case.name, command.etag, case.version)
    after = advance(case.name, case.state, CaseAction.UPDATE, Role.MERCHANT)
    if command.description:
        _require_words(command.description)
        cases.describe(tx.db, case.id, command.description)
    if command.items:
        parcels = _parcels(tx, case)
        wanted = _in_parcels(tx, case.order_id, parcels, command.items)
        if {units.vendor_id for _, units in wanted} != {case.vendor_id}:
            raise InvalidInput.of("items", "are all of the case's vendor; draft another case")
        require_claimable(parcels, [_claim(item) for item, _ in wanted], tx.now_ms)
        _write_items(tx, case, [item for item, _ in wanted])
    kept_until = tx.now_ms + DRAFT_DAYS * DAY_MS
    cases.move(tx.db, case.id, CaseMove(after, kept_until), tx.now_ms)
    _write_history(tx, case, "case.updated", {})
    return view_of(tx, case)


@dataclass(frozen=True, slots=True)
class SubmitCase:
    """A draft of the calling merchant that goes to the vendor."""

    name: str
    etag: str = ""


def submit_case(tx: Transaction, command: SubmitCase) -> CaseView:
    """Claim the units of a draft, and let the vendor answer.

    Raises:
        NotFound, IllegalTransition, Conflict
        Refused: UNITS_NOT_CLAIMABLE, EVIDENCE_MISSING, REFUND_EXCEEDS_PAID
    """
    case = lock_case(tx, command.name)
    require_version(case.name, command.etag, case.version)
    advance(case.name, case.state, CaseAction.SUBMIT, Role.MERCHANT)
    wanted = [
        ClaimedUnits(item.line_id, item.package_id, item.quantity, item.type) for item in case.items
    ]
    require_claimable(_parcels(tx, case), wanted, tx.now_ms)
    _require_evidence(case)
    plan_refunds(tx.db, case, cases.last_terms(tx.db, case.id, Role.MERCHANT))
    shift(tx, case, CaseAction.SUBMIT)
    return view_of(tx, case)


def _require_words(description: str) -> None:
    if not description.strip():
        raise InvalidInput.of("description", "says what happened")


def _require_evidence(case: CaseRecord) -> None:
    needed = case.policy.photos_needed(item.type for item in case.items)
    if case.photo_count < needed:
        raise Refused(
            f"cannot submit {case.name}: it has {case.photo_count} photos, and its issues need"
            f" {needed}",
            reason="EVIDENCE_MISSING",
            case=case.name,
            required=needed,
            found=case.photo_count,
        )


def _parcels(tx: Transaction, case: CaseRecord) -> list[ParcelUnits]:
    """Read the parcels of a case's order, judged by the policy that the case keeps."""
    parcels = claims.parcels_of(tx.db, case.merchant_id, case.order_id)
    return [
        replace(units, policy=case.policy) if units.vendor_id == case.vendor_id else units
        for units in parcels
    ]


def _in_parcels(
    tx: Transaction, order_id: str, parcels: Sequence[ParcelUnits], items: Sequence[WantedItem]
) -> list[tuple[WantedItem, ParcelUnits]]:
    lines = claims.lines_of(tx.db, order_id)
    found = []
    for index, item in enumerate(items):
        if item.line_id not in lines:
            raise NotFound.of(f"line {item.line_id} of order {order_id}")
        units = parcel_of(parcels, item.line_id, item.package_id, f"items[{index}]")
        found.append((replace(item, package_id=units.package_id), units))
    return found


def _claim(item: WantedItem) -> ClaimedUnits:
    return ClaimedUnits(item.line_id, item.package_id, item.quantity, item.type)


def _write_items(tx: Transaction, case: CaseRecord, wanted: Sequence[WantedItem]) -> None:
    terms = [replace(item.term, item=number) for number, item in enumerate(wanted, start=1)]
    quantities = {number: item.quantity for number, item in enumerate(wanted, start=1)}
    check_terms(terms, quantities, "items")
    paid: Mapping[tuple[str, str], claims.PaidUnits] = claims.paid_units(tx.db, case.order_id)
    items = [
        NewItem(
            number=number,
            line_id=item.line_id,
            package_id=item.package_id,
            paid_line_id=paid[item.line_id, item.package_id].line_id,
            paid_allocation_id=paid[item.line_id, item.package_id].allocation_id,
            quantity=item.quantity,
            type=item.type,
        )
        for number, item in enumerate(wanted, start=1)
    ]
    cases.replace_items(tx.db, case.id, items, terms, tx.now_ms)
    plan_refunds(tx.db, cases.record(tx.db, case.id), terms)


def _write_history(tx: Transaction, case: CaseRecord, kind: str, details: dict[str, str]) -> None:
    event = NewEvent(case.merchant_id, case.order_id, kind, tx.actor, case.name, details)
    events.append(tx.db, [event], tx.now_ms)
