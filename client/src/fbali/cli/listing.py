"""Lists of every kind: how many are read, and how to go on."""

from collections.abc import Callable
from dataclasses import dataclass

import click

from fbali.cli.command import options_as
from fbali.cli.invocation import Invocation
from fbali.pages import Answer, Request, gather

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of a list is wanted."""

    limit: int
    page_token: str
    all_pages: bool


paging_options = options_as(
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


def read_list(list_call: Callable[[Request], Answer], request: Request, paging: Paging) -> Answer:
    """Read as many pages as are wanted into one answer."""
    request.page_token = paging.page_token
    return gather(list_call, request, None if paging.all_pages else paging.limit)


def say_more(invocation: Invocation, next_page_token: str) -> None:
    """Say how to go on, if there is more."""
    if next_page_token:
        invocation.say(f"There are more: repeat it with --all, or --page-token {next_page_token}")
