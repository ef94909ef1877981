"""Shows exchange rates and vendors' scorecards."""

from collections.abc import Iterable, Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from fbali.cli.document import Block, Cell, Column, Table
from fbali.cli.views.values import moment
from fbali.v1.exchange_rate_pb2 import ExchangeRate
from fbali.v1.vendor_score_pb2 import Durations, VendorScore

_RATE_COLUMNS = [
    Column("ONE"),
    Column("IS WORTH", right=True),
    Column("OF"),
    Column("SINCE"),
    Column("RECORDED", spare=1),
]
_SCORE_COLUMNS = [
    Column("VENDOR", flexible=True, width_min=16),
    Column("ALLOCATIONS", right=True),
    Column("PARCELS", right=True, spare=3),
    Column("REJECTED", right=True, spare=1),
    Column("EXCEPTIONS", right=True),
    Column("ACCEPT", right=True),
    Column("9 OF 10", right=True, spare=1),
    Column("SHIP", right=True),
    Column("9 OF 10", right=True, spare=1),
    Column("FIRST SCAN", right=True, spare=2),
    Column("9 OF 10", right=True, spare=1),
    Column("DELIVER", right=True),
    Column("9 OF 10", right=True, spare=1),
    Column("ID", spare=2),
]
_HOUR, _DAY = 60, 24 * 60  # In minutes.


def rate_list(rates: Iterable[ExchangeRate]) -> Iterator[Block]:
    """Show rates as sentences: one EUR is worth 1.0834 of USD."""
    rows: list[list[Cell]] = [
        [
            rate.base_currency_code,
            rate.rate,
            rate.quote_currency_code,
            moment(rate, "effective_time"),
            moment(rate, "record_time"),
        ]
        for rate in rates
    ]
    yield Table(_RATE_COLUMNS, rows, "No rates are recorded.")


def score_list(scores: Iterable[VendorScore]) -> Iterator[Block]:
    """Show a row for every vendor; nothing where nothing was measured."""
    rows = [_score_row(score) for score in scores]
    yield Table(_SCORE_COLUMNS, rows, "No vendor was handed an order in this period.")


def duration(message: Message, field: str) -> str:
    """Write how long something took, in its two greatest units; nothing when it is absent."""
    if not message.HasField(field):
        return ""
    found: Duration = getattr(message, field)
    minutes = found.seconds // 60
    if minutes >= _DAY:
        return f"{minutes // _DAY}d {minutes % _DAY // _HOUR}h"
    return f"{minutes // _HOUR}h {minutes % _HOUR}m" if minutes >= _HOUR else f"{minutes}m"


def _score_row(score: VendorScore) -> list[Cell]:
    return [
        score.vendor_display_name,
        score.allocation_count,
        score.package_count,
        _share(score.rejection_share) if score.HasField("rejection_share") else "",
        _share(score.exception_share) if score.HasField("exception_share") else "",
        *_durations(score.time_to_accept),
        *_durations(score.time_to_ship),
        *_durations(score.time_to_first_scan),
        *_durations(score.time_to_deliver),
        score.vendor.rpartition("/")[2],
    ]


def _durations(found: Durations) -> list[str]:
    return [duration(found, "median"), duration(found, "p90")]


def _share(share: float) -> str:
    return f"{share * 100:.1f}%"
