"""Follow parcels: ask the tracking service for those that are due, and restate what they are.

Every poll reads the whole history of a parcel and recomputes where it is from all that was ever
said of it, so a repeated, late or reordered answer changes nothing that it should not.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms import crash_points
from oms.domain.errors import GatewayError, Unavailable
from oms.domain.jobs import BATCH_ORDERS_MAX, CRASHES_MAX, ClaimedJob, Cursor, back_off_ms
from oms.domain.packages import PackageStanding, recompute, unexplained_status
from oms.domain.poll_schedule import PolledParcel, is_to_be_given_up, next_poll_at
from oms.domain.stalls import stalls_at_ms
from oms.domain.tracking import (
    Meaning,
    PackageState,
    ParcelNumber,
    TrackingEvent,
    TrackingReport,
)
from oms.storage import events, jobs, orders, packages, recounting, turns
from oms.storage.events import NewEvent
from oms.storage.packages import SYSTEM_SOURCE, Followed, PackageRecord
from oms.usecases.allocate_orders import go_on
from oms.usecases.careful_batches import ASIDE_MS
from oms.usecases.context import Oms, Transaction
from oms.usecases.move_allocation import advance_case
from oms.usecases.ports import CarrierGateway
from oms.usecases.tell_stores import tell_stores

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a poll came to for one parcel: a report, or why it is not followed."""

    report: TrackingReport | None
    refusal: str


def run_poll_tracking(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Ask for one batch of due parcels; return a cursor while there may be more.

    Without a tracking service nobody is asked, and parcels of which the vendor says nothing are
    given up in time all the same. After a batch that crashed or failed, parcels are taken one by
    one, and the one that is to blame is passed over for a day.
    """
    alone_left = job.cursor.get("careful", 0)
    if job.crashes and not alone_left:
        return go_on(oms, job, {"careful": _batch_size_max(oms.carrier)})
    with oms.db.session():
        limit = 1 if alone_left else _batch_size_max(oms.carrier)
        due = packages.due(oms.db, oms.clock.now_ms(), limit)
    if not due:
        _finish(oms, job)
        return None
    cursor = {"careful": alone_left - 1} if alone_left > 1 else {"batch": len(due)}
    if job.crashes >= CRASHES_MAX:
        return _set_aside(oms, job, due[0], cursor)
    return _follow(oms, job, due, cursor)


def _follow(
    oms: Oms, job: ClaimedJob, due: Sequence[PackageRecord], cursor: Cursor
) -> Cursor | None:
    try:
        answers = {} if oms.carrier is None else _ask(oms.carrier, due)
        _record_answers(oms, job, (due, answers), cursor)
    except GatewayError as error:
        _put_off(oms, job, error)
        return None
    except (jobs.LeaseLostError, Unavailable):
        raise
    except Exception:
        log.exception("following failed", extra={"job": job.id, "kind": job.kind})
        if len(due) > 1:
            return go_on(oms, job, {"careful": len(due)})
        return _set_aside(oms, job, due[0], cursor)
    return cursor


def _set_aside(oms: Oms, job: ClaimedJob, package: PackageRecord, cursor: Cursor) -> Cursor:
    """Pass over a parcel for a day: its news kill workers, or cannot be taken."""
    log.error("set aside: %s", package.id, extra={"job": job.id, "kind": job.kind})
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        orders.lock(oms.db, [package.order_id])
        packages.put_off(oms.db, package.id, now_ms + ASIDE_MS, "its news could not be taken")
        jobs.advance(oms.db, job, cursor, now_ms)
    return cursor


def turn_of_carrier(oms: Oms, job: ClaimedJob) -> str:
    """Name the turn that the steps of a poll need."""
    del job
    return f"carriers/{'none' if oms.carrier is None else oms.carrier.name}"


def _batch_size_max(carrier: CarrierGateway | None) -> int:
    return BATCH_ORDERS_MAX if carrier is None else carrier.batch_size_max


def _ask(carrier: CarrierGateway, due: Sequence[PackageRecord]) -> Mapping[ParcelNumber, Answer]:
    """Register those that are new, then fetch all that are followed."""
    new = [_number(package) for package in due if not package.is_registered]
    refused = dict(carrier.register(new)) if new else {}
    crash_points.reach("tracking.registered")
    followed = [_number(package) for package in due if _number(package) not in refused]
    reports = carrier.fetch(followed) if followed else ()
    crash_points.reach("tracking.asked")
    answers = {number: Answer(None, words) for number, words in refused.items()}
    answers |= {report.parcel: Answer(report, report.refusal) for report in reports}
    return answers


def _number(package: PackageRecord) -> ParcelNumber:
    return ParcelNumber(package.carrier_code, package.tracking_number)


def _record_answers(
    oms: Oms,
    job: ClaimedJob,
    told: tuple[Sequence[PackageRecord], Mapping[ParcelNumber, Answer]],
    cursor: Cursor,
) -> None:
    due, answers = told
    source = SYSTEM_SOURCE if oms.carrier is None else oms.carrier.name
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        orders.lock(tx.db, [package.order_id for package in due])
        _take(tx, source, due, answers)
        jobs.advance(tx.db, job, cursor, tx.now_ms)
        crash_points.reach("tracking.written")
    crash_points.reach("tracking.committed")


def _take(
    tx: Transaction,
    source: str,
    due: Sequence[PackageRecord],
    answers: Mapping[ParcelNumber, Answer],
) -> None:
    known = packages.events_of(tx.db, [package.id for package in due])
    fresh: list[tuple[str, TrackingEvent]] = []
    for package in due:
        answer = answers.get(_number(package))
        if answer is not None and answer.report is not None:
            news = list(answer.report.events)
            extra = unexplained_status(
                answer.report, known[package.id], source=source, seen_at=tx.now_ms // 1000
            )
            fresh += [(package.id, event) for event in (*news, *([extra] if extra else ()))]
    packages.add_events(tx.db, fresh, tx.now_ms)
    moved = restate_packages(
        tx,
        [package.id for package in due],
        {package.id: answers.get(_number(package)) for package in due},
    )
    recounting.refresh(tx.db, moved)
    tell_stores(tx, moved)


def restate_packages(
    tx: Transaction,
    package_ids: Sequence[str],
    answers: Mapping[str, Answer | None] | None = None,
) -> list[str]:
    """Recompute parcels from all their events; return the orders to recount, which are locked.

    `answers` are those of a poll, by package id; without them nothing was asked, and the count of
    polls without news stays.
    """
    history = packages.events_of(tx.db, package_ids)
    changed: list[NewEvent] = []
    moved: set[str] = set()
    affected: set[str] = set()
    for package in packages.records(tx.db, package_ids):
        known = history[package.id]
        standing = recompute(known)
        if _is_given_up(tx, package, standing):
            known.append(_given_up(tx))
            packages.add_events(tx.db, [(package.id, known[-1])], tx.now_ms)
            standing = recompute(known)
        followed = _followed(tx, package, standing, answers)
        packages.write_standing(tx.db, package.id, standing, followed)
        affected.add(package.order_id)
        if (standing.handed_over_at is None) != (package.handed_over_at is None):
            moved.add(package.order_id)  # A late scan may prove it without moving the parcel.
        if standing.state != package.state or standing.exception_reason != package.exception_reason:
            changed.append(_moved(tx, package, standing))
            moved.add(package.order_id)
            advance_case(tx, package.case_id, package.merchant_id)
    packages.note_stalls(tx.db, sorted(affected))
    events.append(tx.db, changed, tx.now_ms)
    return sorted(moved)


def _followed(
    tx: Transaction,
    package: PackageRecord,
    standing: PackageStanding,
    answers: Mapping[str, Answer | None] | None,
) -> Followed:
    answer = None if answers is None else answers.get(package.id)
    report = None if answer is None else answer.report
    last_event_at = None if standing.last_event_at is None else standing.last_event_at * 1000
    has_news = last_event_at != package.last_event_at or standing.state != package.state
    quiet_polls = 0 if has_news else package.quiet_polls + (answers is not None)
    parcel = _polled(package, standing, quiet_polls)
    return Followed(
        raw_status=report.raw_status if report and report.raw_status else package.raw_status,
        tracking_problem=package.tracking_problem if answer is None else answer.refusal,
        # A number that the service does not know (any more) is registered again next time.
        is_registered=package.is_registered if report is None else not report.refusal,
        quiet_polls=quiet_polls,
        next_poll_at=next_poll_at(
            parcel,
            now_ms=tx.now_ms,
            jitter=random.random(),  # noqa: S311 - spreads load, keeps no secret.
            cadence=tx.oms.policy.cadence,
        ),
        stalls_at=stalls_at_ms(standing, announced_at_ms=package.created_at, now_ms=tx.now_ms),
    )


def _polled(package: PackageRecord, standing: PackageStanding, quiet_polls: int) -> PolledParcel:
    return PolledParcel(
        state=standing.state,
        exception_reason=standing.exception_reason,
        announced_at_ms=package.created_at,
        last_event_at_ms=None if standing.last_event_at is None else standing.last_event_at * 1000,
        delivered_at_ms=None if standing.delivered_at is None else standing.delivered_at * 1000,
        polls_without_news=quiet_polls,
    )


def _is_given_up(tx: Transaction, package: PackageRecord, standing: PackageStanding) -> bool:
    parcel = _polled(package, standing, package.quiet_polls)
    return is_to_be_given_up(parcel, now_ms=tx.now_ms, cadence=tx.oms.policy.cadence)


def _given_up(tx: Transaction) -> TrackingEvent:
    return TrackingEvent(
        occurred_at=tx.now_ms // 1000,
        meaning=Meaning(PackageState.EXPIRED),
        raw_status=PackageState.EXPIRED.value,
        description="no news for too long",
        location="",
        source=SYSTEM_SOURCE,
    )


def _moved(tx: Transaction, package: PackageRecord, standing: PackageStanding) -> NewEvent:
    details = {"before": package.state.value, "after": standing.state.value}
    if standing.exception_reason is not None:
        details["reason"] = standing.exception_reason.value
    name = f"vendors/{package.vendor_id}/allocations/{package.allocation_id}/packages/{package.id}"
    kind = f"package.{standing.state.value.lower()}"
    actor = tx.actor if tx.caller is not None else "carrier"
    return NewEvent(package.merchant_id, package.order_id, kind, actor, name, details)


def _finish(oms: Oms, job: ClaimedJob) -> None:
    with oms.db.transaction():
        jobs.finish(oms.db, job, oms.clock.now_ms())


def _put_off(oms: Oms, job: ClaimedJob, error: GatewayError) -> None:
    """Let the tracking service rest; the parcels' own schedule is not touched."""
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        rest_ms = int(error.retry_after_seconds * 1000)
        pause_ms = max(back_off_ms(job.failures + 1, 0.5), rest_ms)
        jobs.put_off(oms.db, job, error.message, now_ms + pause_ms, now_ms)
        if rest_ms:
            turns.rest(oms.db, turn_of_carrier(oms, job), now_ms + rest_ms, now_ms)
