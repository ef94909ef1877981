"""Reading everything that changed in a window of time, from its last page to its first.

Rows are listed by the moment of their last change. A row that changes while the window is read
leaves it towards the future, so the rows behind it move to lower places. Who reads upwards skips
them; who reads downwards finds them again on a page that is still to be read. So nothing is lost,
however many rows changed in one second. What left the window belongs to the next one.

A store that ignores `modified_before` only adds rows behind the window's end, which is harmless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Final

from oms.domain.errors import GatewayError
from oms.gateways.http import Answer, JsonClient, Query
from oms.gateways.http_statuses import parse_http_date
from oms.gateways.http_words import malformed
from oms.gateways.stores.woocommerce_cursor import Cursor
from oms.usecases.ports import Clock

PAGES_MAX: Final = 100_000  # Ten million orders; more is a store that answers nonsense.
CLOCK_SKEW_SECONDS: Final = 300  # How far our clock may be ahead of a store's that hides its own.
_SERVER_ERROR: Final = "GATEWAY_SERVER_ERROR"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed, and how.

    `statuses` are read one after the other. `page_sizes` falls, each divides the one before it, and
    ends with 1: a page that makes the store fail is asked for again in smaller parts, because many
    orders exhaust the memory of small hosts, and a single broken one must not hide the rest.
    """

    path: str
    statuses: Sequence[str]
    page_sizes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of documents, and the cursor behind it, whose `rows_left` may be 0.

    `unreadable` says that the store failed for exactly one row, which is left out, and how.
    """

    documents: Sequence[object]
    cursor: Cursor
    unreadable: str = ""


class WindowReader:
    """Reads one listing of one store, window by window."""

    def __init__(self, client: JsonClient, clock: Clock, listing: Listing) -> None:
        """Take the listing; `clock` stands in where the store does not tell the time."""
        self._client = client
        self._clock = clock
        self._listing = listing

    def open(self, since: int) -> Rows:
        """Open the window from `since` (UTC epoch seconds) to the store's now, and read a page."""
        start = Cursor(
            after=since, before=0, status=self._listing.statuses[0], rows_left=0, rows_total=0
        )
        return self._begin(start)

    def resume(self, cursor: Cursor) -> Rows:
        """Read the next page; a listing that is finished is followed by the next status."""
        if cursor.rows_left:
            return self._read_down(cursor)
        statuses = self._listing.statuses
        return self._begin(replace(cursor, status=statuses[statuses.index(cursor.status) + 1]))

    def is_finished(self, cursor: Cursor) -> bool:
        """Tell whether nothing of the window is left to be listed."""
        return not cursor.rows_left and cursor.status == self._listing.statuses[-1]

    def _begin(self, cursor: Cursor) -> Rows:
        """Ask for the first page, which tells how many there are; if it is the only one, take it.

        The first request of a window fixes its end: the store's clock when the request was sent,
        which is the Date of its answer less the time that the answer took. What changed before
        that moment was in the database when the request was worked on.
        """
        size, answer = self._first_page(cursor)
        if not cursor.before:
            cursor = replace(cursor, before=self._end_of_window(answer))
        documents = self._documents(answer)
        pages = self._page_count(answer, documents, cursor, size)
        total = _header_number(answer, "X-WP-Total")
        rows = pages * size if total is None else total
        cursor = replace(
            cursor, rows_left=pages * size, rows_total=cursor.rows_total + min(rows, pages * size)
        )
        if pages <= 1:
            return Rows(documents, replace(cursor, rows_left=0))
        return self._read_down(cursor)

    def _first_page(self, cursor: Cursor) -> tuple[int, Answer]:
        """Ask in smaller and smaller pages; at last for the other end, if the first row is bad."""
        for size in self._listing.page_sizes:
            try:
                return size, self._list(cursor, page=1, size=size)
            except GatewayError as error:
                if error.word != _SERVER_ERROR:
                    raise
        return 1, self._list(cursor, page=1, size=1, order="desc")

    def _read_down(self, cursor: Cursor) -> Rows:
        """Read the last unread page; pages beyond the end are empty and simply passed."""
        sizes = [size for size in self._listing.page_sizes if cursor.rows_left % size == 0]
        for size in sizes:
            behind = replace(cursor, rows_left=cursor.rows_left - size)
            try:
                answer = self._list(cursor, page=cursor.rows_left // size, size=size)
            except GatewayError as error:
                if error.word != _SERVER_ERROR:
                    raise
                if size == sizes[-1]:
                    return Rows([], behind, self._blame_row(cursor, error))
            else:
                return Rows(self._documents(answer), behind)
        raise AssertionError("page_sizes ends with 1, which divides every number of rows")

    def _blame_row(self, cursor: Cursor, error: GatewayError) -> str:
        """Leave one row out that makes the store fail, if the store does answer otherwise.

        The proof is the store's oldest row, read alone; it fails too when the store is down, and
        then this raises and the page is read again later.
        """
        query: Query = {"orderby": "id", "order": "asc", "per_page": 1, "page": 1, "status": "any"}
        self._client.get(self._listing.path, query)
        return f"the store fails when it is asked for number {cursor.rows_left}: {error.message}"

    def _list(self, cursor: Cursor, *, page: int, size: int, order: str = "asc") -> Answer:
        """Ask for one page.

        Core compares exclusively on both ends (WC_REST_CRUD_Controller::prepare_objects_query), so
        a second is taken off the start. Dates carry no offset: with one, WordPress would shift them
        into the site's own time zone. The id is core's own second sort key.
        """
        query: dict[str, str | int] = {
            "status": cursor.status,
            "orderby": "modified",
            "order": order,
            "dates_are_gmt": "true",
            "modified_after": _date(max(cursor.after - 1, 0)),
            "per_page": size,
            "page": page,
        }
        if cursor.before:
            query["modified_before"] = _date(cursor.before)
        return self._client.get(self._listing.path, query)

    def _documents(self, answer: Answer) -> Sequence[object]:
        """Take the rows, each id once: a page may repeat a row that changes while it is made."""
        if not isinstance(answer.document, list):
            kind = "an object" if isinstance(answer.document, dict) else "a single value"
            subject = self._client.wording.subject
            raise malformed(subject, f"it sent {kind} where a list was asked for")
        rows: dict[object, object] = {}
        for place, document in enumerate(answer.document):
            row_id = document.get("id") if isinstance(document, Mapping) else None
            rows.setdefault(row_id if isinstance(row_id, int) else ("place", place), document)
        return list(rows.values())

    def _page_count(
        self, answer: Answer, documents: Sequence[object], cursor: Cursor, size: int
    ) -> int:
        pages = _header_number(answer, "X-WP-TotalPages")
        if pages is None:
            return self._find_last_page(cursor, size) if documents else 0
        if pages > PAGES_MAX:
            raise malformed(self._client.wording.subject, f"it claims to have {pages} pages")
        return pages

    def _find_last_page(self, cursor: Cursor, size: int) -> int:
        """Find the last page that holds rows where a proxy strips the headers that tell it.

        A page that is not full is no sign of the end: the store leaves out rows that the key may
        not see. So pages are tried in doubling steps until one is empty, and then halved between.
        """
        filled, empty = 1, 2
        while self._has_rows(cursor, page=empty, size=size):
            filled, empty = empty, empty * 2
            if filled > PAGES_MAX:
                raise malformed(self._client.wording.subject, "its list has no end")
        while empty - filled > 1:
            middle = (filled + empty) // 2
            if self._has_rows(cursor, page=middle, size=size):
                filled = middle
            else:
                empty = middle
        return filled

    def _has_rows(self, cursor: Cursor, *, page: int, size: int) -> bool:
        return bool(self._documents(self._list(cursor, page=page, size=size)))

    def _end_of_window(self, answer: Answer) -> int:
        answered_at = parse_http_date(answer.headers.get("Date", ""))
        if answered_at is None:
            answered_at = self._clock.now_ms() / 1000 - CLOCK_SKEW_SECONDS
        return int(answered_at) - ceil(answer.took_seconds)


def _header_number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "").strip()
    return int(text[:12]) if text.isascii() and text.isdigit() else None


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
