"""Reads lists that come in pages."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from fbali.errors import ServerError

PAGE_SIZE_MAX = 500
PAGES_MAX = 100_000  # No list is longer; a server that goes on for ever is stopped here.
ENDLESS = "the server repeats a page token; the list would never end"


class PageRequest(Protocol):
    """A request of a list."""

    page_size: int
    page_token: str


class Page(Protocol):
    """An answer with one page of a list."""

    next_page_token: str


Request = TypeVar("Request", bound=PageRequest)
Answer = TypeVar("Answer", bound=Page)


def each_page(list_call: Callable[[Request], Answer], request: Request) -> Iterator[Answer]:
    """Give page after page, starting at the token of the request.

    The request's page_token is moved on, so after a failure the same call goes on where it stopped.

    Raises:
        ServerError: The server repeats a page token.
    """
    for _ in range(PAGES_MAX):
        page = list_call(request)
        yield page
        if not turn(request, page):
            return
    raise ServerError(ENDLESS)


def turn(request: PageRequest, page: Page) -> bool:
    """Let a request ask for the page after this one; tell whether there is one.

    Raises:
        ServerError: It would be the same page again.
    """
    if not page.next_page_token:
        return False
    if page.next_page_token == request.page_token:
        raise ServerError(ENDLESS)
    request.page_token = page.next_page_token
    return True


def each_item(list_call: Callable[[Request], Any], request: Request) -> Iterator[Any]:
    """Give every item of a list, asking for further pages as they are needed."""
    for page in each_page(list_call, request):
        yield from getattr(page, items_field(page))


def each_part(
    list_call: Callable[[Request], Answer], request: Request, limit: int | None
) -> Iterator[Answer]:
    """Give page after page until there are `limit` items (None: all)."""
    portion = Portion(request, limit)
    for page in each_page(list_call, request):
        yield page
        if portion.is_complete_with(page):
            return


class Portion:
    """Asks for pages of such a size that they hold no more than `limit` items (None: all)."""

    def __init__(self, request: PageRequest, limit: int | None) -> None:
        """Set the size of the first page."""
        self._request = request
        self._left = limit
        self._choose_size()

    def is_complete_with(self, page: Any) -> bool:
        """Count a page, and set the size of the next one; tell whether none is wanted."""
        if self._left is not None:
            self._left -= len(getattr(page, items_field(page)))
            if self._left <= 0:
                return True
        self._choose_size()
        return False

    def _choose_size(self) -> None:
        self._request.page_size = min(self._left or PAGE_SIZE_MAX, PAGE_SIZE_MAX)


def gather(list_call: Callable[[Request], Answer], request: Request, limit: int | None) -> Answer:
    """Read at most `limit` items (None: all) into one answer.

    Its next_page_token is the one to go on with, empty at the end.
    """
    answer, *others = each_part(list_call, request, limit)
    for page in others:
        append(answer, page)
    return answer


def append(answer: Any, page: Any) -> None:
    """Add a page to those before it."""
    name = items_field(answer)
    getattr(answer, name).extend(getattr(page, name))
    answer.next_page_token = page.next_page_token


def items_field(page: Any) -> str:
    """Name the one field of an answer that holds the items."""
    fields = page.DESCRIPTOR.fields
    [name] = [str(field.name) for field in fields if field.is_repeated and field.message_type]
    return name
