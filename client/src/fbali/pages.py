"""Reads lists that come in pages."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from fbali.errors import ServerError

PAGE_SIZE_MAX = 500
PAGES_MAX = 100_000  # No list is longer; a server that goes on for ever is stopped here.


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
        if not page.next_page_token:
            return
        if page.next_page_token == request.page_token:
            break
        request.page_token = page.next_page_token
    raise ServerError("the server repeats a page token; the list would never end")


def each_item(list_call: Callable[[Request], Any], request: Request) -> Iterator[Any]:
    """Give every item of a list, asking for further pages as they are needed."""
    for page in each_page(list_call, request):
        yield from getattr(page, items_field(page))


def gather(list_call: Callable[[Request], Answer], request: Request, limit: int | None) -> Answer:
    """Read at most `limit` items (None: all) into one answer.

    Its next_page_token is the one to go on with, empty at the end.
    """
    request.page_size = min(limit or PAGE_SIZE_MAX, PAGE_SIZE_MAX)
    pages = each_page(list_call, request)
    answer: Any = next(pages)
    name = items_field(answer)
    items = getattr(answer, name)
    while answer.next_page_token and (limit is None or len(items) < limit):
        request.page_size = min((limit or PAGE_SIZE_MAX + len(items)) - len(items), PAGE_SIZE_MAX)
        page = next(pages)
        items.extend(getattr(page, name))
        answer.next_page_token = page.next_page_token
    found: Answer = answer
    return found


def each_part(
    list_call: Callable[[Request], Answer], request: Request, limit: int | None
) -> Iterator[Answer]:
    """Give page after page until there are `limit` items (None: all)."""
    request.page_size = min(limit or PAGE_SIZE_MAX, PAGE_SIZE_MAX)
    count = 0
    for page in each_page(list_call, request):
        yield page
        count += len(getattr(page, items_field(page)))
        if limit is not None and count >= limit:
            return
        request.page_size = min((limit or PAGE_SIZE_MAX + count) - count, PAGE_SIZE_MAX)


def items_field(page: Any) -> str:
    """Name the one field of an answer that holds the items."""
    fields = page.DESCRIPTOR.fields
    [name] = [str(field.name) for field in fields if field.is_repeated and field.message_type]
    return name
