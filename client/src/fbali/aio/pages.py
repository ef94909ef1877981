"""Reads lists that come in pages, on an event loop; see `fbali.pages`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fbali.errors import ServerError
from fbali.pages import ENDLESS, PAGES_MAX, Answer, Portion, Request, append, items_field, turn


async def each_page(
    list_call: Callable[[Request], Awaitable[Answer]], request: Request
) -> AsyncIterator[Answer]:
    """Give page after page, starting at the token of the request, which is moved on."""
    for _ in range(PAGES_MAX):
        page = await list_call(request)
        yield page
        if not turn(request, page):
            return
    raise ServerError(ENDLESS)


async def each_item(
    list_call: Callable[[Request], Awaitable[Any]], request: Request
) -> AsyncIterator[Any]:
    """Give every item of a list, asking for further pages as they are needed."""
    async for page in each_page(list_call, request):
        for item in getattr(page, items_field(page)):
            yield item


async def gather(
    list_call: Callable[[Request], Awaitable[Answer]], request: Request, limit: int | None
) -> Answer:
    """Read at most `limit` items (None: all) into one answer, whose token is where to go on."""
    portion = Portion(request, limit)
    answer = await list_call(request)
    page = answer
    while not portion.is_complete_with(page) and turn(request, page):
        page = await list_call(request)
        append(answer, page)
    return answer
