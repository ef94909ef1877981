"""Ids that the shell completes, asked from the server; silence when that does not work."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from fbali.cli.invocation import Invocation
from fbali.errors import FbaliError

if TYPE_CHECKING:  # Loading it here would cost every help the start of gRPC.
    from fbali.client import Client

DEADLINE_SECONDS = 0.3  # A longer pause after the tabulator feels broken.
SUGGESTIONS_MAX = 100  # Nobody reads more.

Found = Iterable[tuple[str, str]]


def suggest(ctx: click.Context, noun: str, incomplete: str) -> list[CompletionItem]:
    """Give the ids of a noun that begin as typed, each with what people call it."""
    invocation = ctx.find_object(Invocation)
    if invocation is None or noun not in _SOURCES:
        return []
    try:
        return _ask(invocation, noun, incomplete)
    except (FbaliError, click.ClickException, OSError, ValueError):
        return []  # A message would be written into the command line that is being typed.


def _ask(invocation: Invocation, noun: str, incomplete: str) -> list[CompletionItem]:
    from fbali.calls import CallPolicy
    from fbali.cli.names import last_part
    from fbali.cli.terminal_text import neutral
    from fbali.client import Client

    chosen = invocation.connection
    ca_file = Path(chosen.ca_file) if chosen.ca_file else None
    policy = CallPolicy(timeout_seconds=DEADLINE_SECONDS)
    with Client(chosen.server, token=chosen.token, ca_file=ca_file, policy=policy) as client:
        found = [(last_part(name), neutral(label)) for name, label in _SOURCES[noun](client)]
    return [
        CompletionItem(one, help=label or None)
        for one, label in found
        if one.startswith(incomplete)
    ]


def _orders(client: "Client") -> Found:
    from fbali.v1.order_service_pb2 import ListOrdersRequest

    request = ListOrdersRequest(parent="merchants/-", page_size=SUGGESTIONS_MAX)
    return [
        (one.name, f"{one.number} {one.customer_name}")
        for one in client.orders.ListOrders(request).orders
    ]


def _allocations(client: "Client") -> Found:
    from fbali.v1.fulfillment_service_pb2 import ListAllocationsRequest

    request = ListAllocationsRequest(parent="vendors/-", page_size=SUGGESTIONS_MAX)
    return [
        (one.name, f"{one.order_number} of {one.merchant_display_name}")
        for one in client.fulfillment.ListAllocations(request).allocations
    ]


def _stores(client: "Client") -> Found:
    from fbali.v1.hosting_service_pb2 import ListStoresRequest

    request = ListStoresRequest(parent="merchants/-", page_size=SUGGESTIONS_MAX)
    return [(one.name, one.display_name) for one in client.hosting.ListStores(request).stores]


def _vendors(client: "Client") -> Found:
    from fbali.v1.hosting_service_pb2 import ListPartnershipsRequest

    request = ListPartnershipsRequest(parent="merchants/-", page_size=SUGGESTIONS_MAX)
    found = client.hosting.ListPartnerships(request).partnerships
    return [(one.vendor, one.vendor_display_name) for one in found]


def _products(client: "Client") -> Found:
    from fbali.v1.hosting_service_pb2 import ListProductsRequest

    request = ListProductsRequest(parent="merchants/-", page_size=SUGGESTIONS_MAX)
    return [(one.name, one.title) for one in client.hosting.ListProducts(request).products]


def _cases(client: "Client") -> Found:
    from fbali.v1.after_sales_service_pb2 import ListCasesRequest

    request = ListCasesRequest(page_size=SUGGESTIONS_MAX)
    return [
        (one.name, f"order {one.order_number}")
        for one in client.after_sales.ListCases(request).cases
    ]


_SOURCES: Mapping[str, Callable[[Any], Found]] = {
    "order": _orders,
    "allocation": _allocations,
    "store": _stores,
    "vendor": _vendors,
    "product": _products,
    "case": _cases,
}
