"""The part of `fbali orders` that allocates by hand: place."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Verb, options_as
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.cli.order_batches import call_in_batches, exit_code_of_batches
from fbali.cli.placement_choices import (
    CHOICES_MAX,
    Choice,
    hosted,
    read_file,
    without_contradiction,
)
from fbali.errors import FbaliError
from fbali.pages import PAGE_SIZE_MAX, each_item

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.order_pb2 import Order
    from fbali.v1.order_service_pb2 import PlaceOrdersResponse, PreviewPlacementResponse
    from fbali.v1.vendor_pb2 import Partnership


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is decided beforehand about products that no vendor hosts."""

    host: tuple[str, ...]
    host_and_remember: tuple[str, ...]
    done: tuple[str, ...]
    choices_file: Path | None

    def choices(self) -> list[Choice]:
        """Read them all."""
        return without_contradiction(
            [
                *hosted(self.host, remember=False),
                *hosted(self.host_and_remember, remember=True),
                *(Choice(product) for product in self.done),
                *(read_file(self.choices_file) if self.choices_file else ()),
            ]
        )


decision_options = options_as(
    Decisions,
    "decisions",
    click.option("--host", metavar="PRODUCT=VENDOR", multiple=True, help="This time; repeat."),
    click.option(
        "--host-and-remember",
        metavar="PRODUCT=VENDOR",
        multiple=True,
        help="Also for later orders; repeat.",
    ),
    click.option("--done", type=names.PRODUCT, multiple=True, help="Nobody processes it; repeat."),
    click.option(
        "--choices",
        "choices_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="CSV: product,variant,action,vendor,remember; the action is host, done or wait.",
    ),
)


@click.command(
    "place", cls=Verb, example="fbali orders place o0order --host u0product=v0vendor --yes"
)
@click.argument("order_names", metavar="[ORDER...]", type=names.ORDER, nargs=-1)
@click.option("--all-pending", is_flag=True, help="All pending orders that are not held.")
@decision_options
@click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing.")
@click.option("--yes", is_flag=True, help="Place at once; ask nothing.")
@click.pass_obj
def place(
    invocation: Invocation,
    *,
    order_names: tuple[str, ...],
    all_pending: bool,
    decisions: Decisions,
    dry_run: bool,
    yes: bool,
) -> ExitCode:
    """Hand pending orders to vendors by hand, whatever the processing of the store is.

    You see the plan per vendor with quoted costs and margin. For each product that no vendor
    hosts you choose a vendor, or Done if nobody is to process it. Then you are asked once.
    """
    if bool(order_names) == all_pending:
        raise click.UsageError("name orders, or say --all-pending")
    if not (dry_run or yes or invocation.is_interactive):
        raise click.UsageError("nobody can be asked; add --yes to place, or --dry-run to look")
    choices = decisions.choices()
    wanted = _pending_orders(invocation) if all_pending else list(order_names)
    if not wanted:
        return _answer_nothing(invocation)
    placing = _Placing(invocation, wanted, choices)
    if dry_run:
        return placing.show(placing.preview())
    if not yes:
        preview = placing.decide()
        if not any(one.parts or one.excluded_quantity for one in preview.placements):
            invocation.say("Nothing of it can be placed; nothing was done.")
            return placing.exit_code(preview, None)
        invocation.confirm(_question(preview), yes=False)
    return placing.place()


class _Placing:
    """The orders and choices of one run."""

    def __init__(self, invocation: Invocation, wanted: list[str], choices: list[Choice]) -> None:
        self.invocation = invocation
        self.wanted = wanted
        self.choices = choices

    def preview(self) -> "PreviewPlacementResponse":
        """Ask what would happen; a product of several batches is named once."""
        from fbali.v1.order_service_pb2 import PreviewPlacementRequest, PreviewPlacementResponse

        def call(batch: list[str]) -> PreviewPlacementResponse:
            messages = [one.message() for one in self.choices]
            request = PreviewPlacementRequest(parent="merchants/-", orders=batch, choices=messages)
            return self.invocation.client.orders.PreviewPlacement(request)

        found, error = call_in_batches(call, self.wanted)
        if error is not None:
            raise error
        once = list({one.name: one for one in found.unhosted_products}.values())
        return PreviewPlacementResponse(placements=found.placements, unhosted_products=once)

    def show(self, found: "PreviewPlacementResponse") -> ExitCode:
        """Show a preview."""
        from fbali.cli.views.placement_views import preview_document

        self.invocation.answer(
            found, lambda: preview_document(found.placements, found.unhosted_products)
        )
        return self.exit_code(found, None)

    def decide(self) -> "PreviewPlacementResponse":
        """Show the preview, have the open choices made, and show what they come to."""
        found = self.preview()
        if self.invocation.is_json:  # Standard output is one document: the answer.
            return found
        self.show(found)
        if not found.unhosted_products:
            return found
        from fbali.cli.placement_dialogue import ask_choices

        products = found.unhosted_products[: CHOICES_MAX - len(self.choices)]
        made = list(ask_choices(products, _active_vendors(self.invocation)))
        if made:
            self.choices = [*self.choices, *made]
            found = self.preview()
            self.show(found)
        return found

    def place(self) -> ExitCode:
        """Place, and show what became of each order."""
        from fbali.cli.views.placement_views import placed_document
        from fbali.v1.order_service_pb2 import PlaceOrdersRequest, PlaceOrdersResponse

        def call(batch: list[str]) -> PlaceOrdersResponse:
            messages = [one.message() for one in self.choices]
            request = PlaceOrdersRequest(parent="merchants/-", orders=batch, choices=messages)
            return self.invocation.client.orders.PlaceOrders(request)

        found, error = call_in_batches(call, self.wanted)
        self.invocation.answer(found, lambda: placed_document(found.placements))
        return self.exit_code(found, error)

    def exit_code(
        self, found: "PreviewPlacementResponse | PlaceOrdersResponse", error: FbaliError | None
    ) -> ExitCode:
        """Say whether any order was refused."""
        refusal_count = sum(bool(one.refusal_reason) for one in found.placements)
        return exit_code_of_batches(self.invocation, refusal_count, error)


def _pending_orders(invocation: Invocation) -> list[str]:
    """Name the pending orders; held ones are placed only when they are named one by one."""
    from fbali.v1.order_service_pb2 import ListOrdersRequest, OrderTag

    request = ListOrdersRequest(
        parent="merchants/-", tag=OrderTag.ORDER_TAG_PENDING, page_size=PAGE_SIZE_MAX
    )
    found = list(each_item(invocation.client.orders.ListOrders, request))
    held_count = sum(_is_held(one) for one in found)
    if held_count:
        invocation.say(f"{held_count} held orders are left out; name them to place them as well")
    return [one.name for one in found if not _is_held(one)]


def _is_held(order: "Order") -> bool:
    """Tell whether an order of a list is held, by what its lines wait for."""
    from fbali.v1.order_pb2 import PENDING_REASON_HELD

    return any(line.pending_reason == PENDING_REASON_HELD for line in order.lines)


def _active_vendors(invocation: Invocation) -> "list[Partnership]":
    from fbali.v1.hosting_service_pb2 import ListPartnershipsRequest
    from fbali.v1.vendor_pb2 import PartnershipState

    request = ListPartnershipsRequest(parent="merchants/-", page_size=PAGE_SIZE_MAX)
    active = PartnershipState.PARTNERSHIP_STATE_ACTIVE
    found = each_item(invocation.client.hosting.ListPartnerships, request)
    return [one for one in found if one.state == active]


def _answer_nothing(invocation: Invocation) -> ExitCode:
    from fbali.cli.document import Note

    invocation.answer({"placements": []}, lambda: [Note("No order waits to be placed.")])
    return ExitCode.OK


def _question(preview: "PreviewPlacementResponse") -> str:
    placeable = [one for one in preview.placements if one.parts or one.excluded_quantity]
    vendors = {part.vendor for one in placeable for part in one.parts}
    return f"Place {len(placeable)} orders with {len(vendors)} vendors?"
