"""Reading what 17TRACK knows of one parcel, however incomplete it is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from oms.domain.tracking import Meaning, ParcelNumber, TrackingEvent, TrackingReport
from oms.gateways.carriers.seventeentrack_statuses import UNKNOWN, meaning_of

NAME: Final = "17track"

WORD_CHARACTERS_MAX: Final = 100  # Of a status.
DESCRIPTION_CHARACTERS_MAX: Final = 1000
LOCATION_CHARACTERS_MAX: Final = 300
EARLIEST: Final = 946_684_800  # The year 2000; times before it stand for "not known".
LATEST: Final = 253_402_300_799  # The last second of the year 9999.

Item = Mapping[str, object]


class UnreadableError(ValueError):
    """A part of the answer is not what it should be; the text says which."""


def read_report(parcel: ParcelNumber, items: Sequence[Item]) -> TrackingReport:
    """Put together what 17TRACK knows of a parcel.

    It keeps a number once per carrier, so a number that was asked for without a carrier may come
    several times. An item that cannot be read makes a report with a refusal, never an error.
    """
    try:
        reports = [_read_item(parcel, item) for item in items]
    except UnreadableError as error:
        return refused(parcel, f"17TRACK sent something that cannot be read: {error}")
    newest = max(reports, key=_last_event_at)
    events = {event: None for report in reports for event in report.events}
    in_order = sorted(events, key=lambda event: event.occurred_at)
    return TrackingReport(parcel, newest.latest, newest.raw_status, tuple(in_order), newest.refusal)


def refused(parcel: ParcelNumber, refusal: str) -> TrackingReport:
    """Report that nothing is known of a parcel, and why."""
    return TrackingReport(parcel, UNKNOWN, "", (), refusal)


def read_object(document: object, name: str) -> Item:
    """Read an object; null and absence are empty.

    Raises:
        UnreadableError: it is something else.
    """
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UnreadableError(f"{name} is no object")
    return document


def read_list(document: object, name: str) -> list[object]:
    """Read a list; null and absence are empty.

    Raises:
        UnreadableError: it is something else.
    """
    if document is None:
        return []
    if not isinstance(document, list):
        raise UnreadableError(f"{name} is no list")
    return document


def read_text(value: object, *, characters_max: int) -> str:
    """Make any scalar a text that fits a database: shortened, without NUL and half characters."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    text = str(value).replace("\0", " ").strip()
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole if len(whole) <= characters_max else f"{whole[: characters_max - 3]}..."


def read_time(scan: Item) -> int | None:
    """Read when a scan happened, as UTC epoch seconds; None if no form of it can be read.

    A local time without an offset is taken as UTC, which is wrong by half a day at most.
    """
    raw = scan.get("time_raw")
    parts = raw if isinstance(raw, dict) else {}
    clock = parts.get("time") or "00:00:00"
    forms = (
        scan.get("time_utc"),
        scan.get("time_iso"),
        f"{parts.get('date')}T{clock}{parts.get('timezone') or ''}",
        f"{parts.get('date')}T{clock}",
    )
    return next((time for form in forms if (time := _read_instant(form)) is not None), None)


def _read_item(parcel: ParcelNumber, item: Item) -> TrackingReport:
    info = read_object(item.get("track_info"), "track_info")
    status = read_object(info.get("latest_status"), "latest_status")
    tracking = read_object(info.get("tracking"), "tracking")
    scans = [
        read_object(scan, "an event")
        for provider in read_list(tracking.get("providers"), "providers")
        for scan in read_list(read_object(provider, "a provider").get("events"), "events")
    ]
    meaning, word = _read_status(status.get("sub_status"), status.get("status"))
    events = _read_scans(scans)
    refusal = ""
    if scans and not events:
        refusal = f"17TRACK sent {len(scans)} events, none of them with a time that can be read"
    return TrackingReport(parcel, meaning, word, tuple(events), refusal)


def _read_scans(scans: Sequence[Item]) -> list[TrackingEvent]:
    """Read scans, which come newest first.

    A scan without a time is given that of the next older one, or else of the next newer one: it
    happened about then, and would otherwise be lost. Nothing is read if no scan has a time.
    """
    times = [read_time(scan) for scan in scans]
    filled = _fill(_fill(times[::-1])[::-1])
    return [
        _read_scan(scan, time) for scan, time in zip(scans, filled, strict=True) if time is not None
    ]


def _fill(times: Iterable[int | None]) -> list[int | None]:
    """Put the last known time in the place of every unknown one after it."""
    filled: list[int | None] = []
    for time in times:
        filled.append(time if time is not None or not filled else filled[-1])
    return filled


def _read_scan(scan: Item, occurred_at: int) -> TrackingEvent:
    meaning, word = _read_status(scan.get("sub_status"), scan.get("stage"))
    description = read_text(scan.get("description"), characters_max=DESCRIPTION_CHARACTERS_MAX)
    return TrackingEvent(occurred_at, meaning, word, description, _read_location(scan), NAME)


def _read_status(*candidates: object) -> tuple[Meaning, str]:
    """Return what the statuses mean, and the first of them that is there, as 17TRACK writes it."""
    words = [read_text(word, characters_max=WORD_CHARACTERS_MAX) for word in candidates]
    return meaning_of(*words), next((word for word in words if word), "")


def _read_location(scan: Item) -> str:
    location = read_text(scan.get("location"), characters_max=LOCATION_CHARACTERS_MAX)
    address = scan.get("address")
    if location or not isinstance(address, dict):
        return location
    parts = (
        read_text(address.get(part), characters_max=LOCATION_CHARACTERS_MAX)
        for part in ("city", "state", "country")
    )
    return read_text(", ".join(filter(None, parts)), characters_max=LOCATION_CHARACTERS_MAX)


def _read_instant(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        seconds = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if EARLIEST <= seconds <= LATEST else None


def _last_event_at(report: TrackingReport) -> int:
    return max((event.occurred_at for event in report.events), default=0)
