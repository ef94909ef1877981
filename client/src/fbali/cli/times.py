"""Writes instants in the time zone of the person who reads them."""

from collections.abc import Iterable
from datetime import datetime


def format_time(moment: datetime) -> str:
    """Write date, time and zone, for example 2026-11-23 19:09:30 CET."""
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {zone_name(local)}"


def format_time_without_zone(moment: datetime) -> str:
    """Write date and time where the zone is said once for many."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def format_time_exactly(moment: datetime) -> str:
    """Write an instant for programs: ISO 8601 with the offset from UTC."""
    return moment.astimezone().isoformat(timespec="seconds")


def common_zone(moments: Iterable[datetime]) -> str | None:
    """Name the zone if it is the same for all of them; None if not, or if there are none."""
    names = {zone_name(moment.astimezone()) for moment in moments}
    return names.pop() if len(names) == 1 else None


def zone_name(local: datetime) -> str:
    """Name a zone as people do, or by its offset."""
    return local.tzname() or f"{local:%z}"
