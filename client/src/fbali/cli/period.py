"""A period of whole days, as reports take it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

import click

from fbali.cli.command import options_as

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from google.protobuf.timestamp_pb2 import Timestamp

DAYS = 30
DAY = click.DateTime(["%Y-%m-%d"])


@dataclass(frozen=True, slots=True)
class Days:
    """The days that were typed."""

    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Period:
    """From the begin of a day to the end of another one, in UTC."""

    first: datetime
    last: datetime

    @classmethod
    def of(cls, days: Days) -> Self:
        """Take the days that were typed; the last 30 when nothing was.

        Raises:
            click.UsageError: It ends before it begins.
        """
        today = datetime.now(UTC).replace(tzinfo=None)  # noqa: TID251 - Until now, for a person.
        end = (days.last or today).replace(hour=0, minute=0, second=0, microsecond=0)
        begin = days.first or end - timedelta(days=DAYS - 1)
        if begin > end:
            raise click.UsageError(f"--from {begin:%Y-%m-%d} is after --to {end:%Y-%m-%d}")
        return cls(begin, end)

    def begin(self) -> "Timestamp":
        """Give the first instant of it."""
        return _stamp(self.first)

    def end(self) -> "Timestamp":
        """Give the first instant after it."""
        return _stamp(self.last + timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"


period_options = options_as(
    Days,
    "days",
    click.option(
        "--from",
        "first",
        type=DAY,
        metavar="DAY",
        help=f"First day, in UTC, such as 2026-11-01; else {DAYS} days to --to.",
    ),
    click.option("--to", "last", type=DAY, metavar="DAY", help="Last day, in UTC; else today."),
)


def _stamp(moment: datetime) -> "Timestamp":
    from google.protobuf.timestamp_pb2 import Timestamp

    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
