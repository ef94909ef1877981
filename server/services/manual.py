"""The methods of OrderService by which a merchant decides himself: place, hold, release, cancel."""

from fbali.v1 import order_service_pb2 as pb
from fbali.v1.hold_pb2 import HoldReason as HoldReasonNumber
from oms.domain.holds import HoldReason
from oms.usecases import queries
from oms.usecases.context import Call, Oms, Transaction, mutate
from oms.usecases.hold_orders import (
    CancelOrder,
    HoldOrders,
    OrderOutcome,
    ReleaseOrders,
    cancel_order,
    hold_orders,
    release_orders,
)
from oms.usecases.place_orders import (
    PlacedTexts,
    Placement,
    PlaceOrders,
    place_orders,
    preview_placement,
    texts_of,
)
from server import names
from server.conversion.basics import enum_or_none, epoch_ms, word
from server.conversion.catalog import product_message
from server.conversion.orders import HOLD_PREFIX, order_message
from server.conversion.placements import choice_of, outcome_message, placement_message

Placed = tuple[list[Placement], PlacedTexts]


class ManualMethods:
    """Place, hold, release and cancel orders."""

    _oms: Oms

    def PreviewPlacement(
        self, request: pb.PreviewPlacementRequest, call: Call
    ) -> pb.PreviewPlacementResponse:
        """Show what PlaceOrders would do."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        # Planning locks what it reads, as placing does; nothing is written.
        with self._oms.db.transaction():
            tx = Transaction(self._oms.db, self._oms.clock.now_ms(), self._oms, call.caller)
            placements = preview_placement(tx, _command(request, call))
            texts = texts_of(tx, placements)
            waiting = queries.products_of_waiting_lines(tx, placements)
        return pb.PreviewPlacementResponse(
            placements=[placement_message(merchant_id, item, texts) for item in placements],
            unhosted_products=[product_message(product) for product in waiting],
        )

    def PlaceOrders(self, request: pb.PlaceOrdersRequest, call: Call) -> bytes:
        """Allocate orders by hand."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        return mutate(
            self._oms,
            call,
            _place,
            _command(request, call),
            lambda placed: pb.PlaceOrdersResponse(
                placements=[placement_message(merchant_id, item, placed[1]) for item in placed[0]]
            ).SerializeToString(),
        )

    def HoldOrders(self, request: pb.HoldOrdersRequest, call: Call) -> bytes:
        """Put a hold on orders."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        command = HoldOrders(
            order_ids=_order_ids(request, call),
            reason=HoldReason(word(HoldReasonNumber, HOLD_PREFIX, request.reason)),
            note=request.note,
            expire_at=epoch_ms(request, "expire_time"),
        )
        return mutate(
            self._oms,
            call,
            hold_orders,
            command,
            lambda outcomes: _results(pb.HoldOrdersResponse(), merchant_id, outcomes),
        )

    def ReleaseOrders(self, request: pb.ReleaseOrdersRequest, call: Call) -> bytes:
        """Release holds."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        reason = enum_or_none(HoldReason, word(HoldReasonNumber, HOLD_PREFIX, request.reason))
        return mutate(
            self._oms,
            call,
            release_orders,
            ReleaseOrders(_order_ids(request, call), reason),
            lambda outcomes: _results(pb.ReleaseOrdersResponse(), merchant_id, outcomes),
        )

    def CancelOrder(self, request: pb.CancelOrderRequest, call: Call) -> bytes:
        """Stop an order."""
        _, order_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            cancel_order,
            CancelOrder(order_id, request.note, request.etag),
            lambda order: pb.CancelOrderResponse(
                order=order_message(order, self._oms.clock.now_ms())
            ).SerializeToString(),
        )


def _place(tx: Transaction, command: PlaceOrders) -> Placed:
    placements = place_orders(tx, command)
    return placements, texts_of(tx, placements)


def _command(
    request: pb.PreviewPlacementRequest | pb.PlaceOrdersRequest, call: Call
) -> PlaceOrders:
    for choice in request.choices:
        names.own_ids(choice.product, call.caller)
    choices = [choice_of(choice) for choice in request.choices]
    return PlaceOrders(_order_ids(request, call), choices)


def _order_ids(
    request: pb.PreviewPlacementRequest
    | pb.PlaceOrdersRequest
    | pb.HoldOrdersRequest
    | pb.ReleaseOrdersRequest,
    call: Call,
) -> list[str]:
    return [names.own_ids(name, call.caller)[1] for name in request.orders]


def _results(
    response: pb.HoldOrdersResponse | pb.ReleaseOrdersResponse,
    merchant_id: str,
    outcomes: list[OrderOutcome],
) -> bytes:
    response.results.extend(outcome_message(merchant_id, outcome) for outcome in outcomes)
    return response.SerializeToString()
