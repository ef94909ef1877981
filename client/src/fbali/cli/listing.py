"""Lists of every kind: how many are read, and how to go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from fbali.cli.command import Function, fields_option, options_as
from fbali.cli.invocation import Invocation
from fbali.pages import Answer, Request, each_part, gather

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.cli.document import Document

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of a list is wanted."""

    limit: int
    page_token: str
    all_pages: bool


_options = options_as(
    Paging,
    "paging",
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=LIMIT,
        show_default=True,
        help="Show at most this many.",
    ),
    click.option("--page-token", default="", metavar="TOKEN", help="Go on where a list stopped."),
    click.option("--all", "all_pages", is_flag=True, help="Show all of them."),
)


def paging_options(function: Function) -> Function:
    """Give a command the options of a list; it gets them as `paging`."""
    decorated: Function = fields_option(_options(function))
    return decorated


def answer_list(
    invocation: Invocation,
    list_call: Callable[[Request], Any],
    request: Request,
    paging: Paging,
    view: "Callable[[Any], Document]",
) -> None:
    """Read as many pages as are wanted and print them; rows for programs as they come."""
    if invocation.is_streamed:
        stream_list(invocation, list_call, request, paging, view)
        return
    found = read_list(list_call, request, paging)
    invocation.answer(found, lambda: view(found))
    say_more(invocation, found.next_page_token)


def stream_list(
    invocation: Invocation,
    list_call: Callable[[Request], Any],
    request: Request,
    paging: Paging,
    view: "Callable[[Any], Document]",
) -> None:
    """Print page after page, so that a long list neither waits nor fills the memory."""
    request.page_token = paging.page_token
    token = ""
    limit = None if paging.all_pages else paging.limit
    for number, page in enumerate(each_part(list_call, request, limit)):
        invocation.answer_rows(page, lambda page=page: view(page), is_first=number == 0)  # type: ignore[misc]
        token = page.next_page_token
    say_more(invocation, token)


def read_list(list_call: Callable[[Request], Answer], request: Request, paging: Paging) -> Answer:
    """Read as many pages as are wanted into one answer."""
    request.page_token = paging.page_token
    return gather(list_call, request, None if paging.all_pages else paging.limit)


def say_more(invocation: Invocation, next_page_token: str) -> None:
    """Say how to go on, if there is more."""
    if next_page_token:
        invocation.say(f"There are more: repeat it with --all, or --page-token {next_page_token}")
