"""What is written into the pretend shop: fulfilments, tracking numbers, notes, statuses.

As the recordings show it (fulfillment-create-*, note-create, order-complete, error-*), which
includes that a fulfilment of more units than were ordered is taken.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.demo.shop_documents import (
    Document,
    fulfillment_document,
    note_document,
    order_document,
    tracking_document,
    written_in_full,
)
from app.demo.shop_records import Fulfillment, Note, Order, Tracking
from app.demo.shop_reply import API_PATH, RefusalError, Reply
from app.demo.shop_store import ShopStore

PLUGIN_PATH: Final = "/wp-json/wc-shipment-tracking/v3"
NO_ROUTE: Final = "No route was found matching the URL and request method."
STATUSES: Final = (
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
)


class ShopWrites:
    """Fulfilments, plugin and notes of one shop."""

    def __init__(self, store: ShopStore, *, has_fulfillments: bool, has_plugin: bool) -> None:
        """Write into `store`; what the shop does not have has no routes."""
        self._store = store
        self._routes: dict[tuple[str, str], Callable[[Order, Any, str], Reply]] = {
            ("GET", "notes"): self._notes,
            ("POST", "notes"): self._add_note,
            ("PUT", ""): self._update,
        }
        if has_fulfillments:
            self._routes["GET", "fulfillments"] = self._fulfillments
            self._routes["POST", "fulfillments"] = self._add_fulfillment
        if has_plugin:
            self._routes["GET", "shipment-trackings"] = self._trackings
            self._routes["POST", "shipment-trackings"] = self._add_tracking

    def answer(self, method: str, path: str, body: Any, origin: str) -> Reply | None:
        """Answer a request about one order's writable parts; None when it is none of these."""
        base = PLUGIN_PATH if path.startswith(PLUGIN_PATH) else API_PATH
        parts = path.removeprefix(base).strip("/").split("/")
        if parts[0] != "orders" or len(parts) not in (2, 3) or not parts[1].isdigit():
            return None
        part = parts[2] if len(parts) == 3 else ""  # noqa: PLR2004 - orders, id, part.
        if (base == PLUGIN_PATH) is not (part == "shipment-trackings"):
            return None
        route = self._routes.get((method, part))
        if route is None:
            return None
        order = self._store.order(int(parts[1]))
        if order is None:
            code = "woocommerce_rest_order_invalid_id"
            return RefusalError(404, code, "Invalid order ID.").reply
        try:
            return route(order, body, f"{origin}{API_PATH}")
        except RefusalError as refusal:
            return refusal.reply

    # --- Fulfilments ----------------------------------------------------------------------------

    def _fulfillments(self, order: Order, _body: Any, _api: str) -> Reply:
        return Reply(200, [fulfillment_document(item, order) for item in order.fulfillments])

    def _add_fulfillment(self, order: Order, body: Any, _api: str) -> Reply:
        now = self._store.now_seconds()
        meta = [(item["key"], item["value"]) for item in body.get("meta_data", [])]
        is_fulfilled = body.get("status") == "fulfilled"
        if is_fulfilled:
            meta.append(("_date_fulfilled", written_in_full(now)))
        status = "fulfilled" if is_fulfilled else "unfulfilled"
        made = Fulfillment(self._store.new_id(), status, is_fulfilled, now, tuple(meta))
        self._store.append(order.id, "fulfillments", made)
        return Reply(201, fulfillment_document(made, order))

    # --- The Shipment Tracking plugin -----------------------------------------------------------

    def _trackings(self, order: Order, _body: Any, _api: str) -> Reply:
        return Reply(200, [tracking_document(item) for item in order.trackings])

    def _add_tracking(self, order: Order, body: Any, _api: str) -> Reply:
        number = _required(body, "tracking_number")
        made = Tracking(
            id=f"{self._store.new_id():032x}",
            provider=body.get("custom_tracking_provider") or body.get("tracking_provider", ""),
            link=body.get("custom_tracking_link", ""),
            number=number,
            shipped_on=body.get("date_shipped", ""),
        )
        self._store.append(order.id, "trackings", made)
        return Reply(201, tracking_document(made))

    # --- Notes and the status -------------------------------------------------------------------

    def _notes(self, order: Order, _body: Any, api: str) -> Reply:
        return Reply(200, [note_document(note, order, api) for note in reversed(order.notes)])

    def _add_note(self, order: Order, body: Any, api: str) -> Reply:
        text, now = _required(body, "note"), self._store.now_seconds()
        made = Note(self._store.new_id(), text, bool(body.get("customer_note")), now)
        self._store.append(order.id, "notes", made)
        return Reply(201, note_document(made, order, api))

    def _update(self, order: Order, body: Any, api: str) -> Reply:
        status = body.get("status", order.status)
        if status not in STATUSES:
            allowed = ", ".join(STATUSES[:-1])
            found = f"status is not one of {allowed}, and {STATUSES[-1]}."
            params: Document = {"status": found}
            message = "Invalid parameter(s): status"
            raise RefusalError(400, "rest_invalid_param", message, params=params)
        changes: Mapping[str, Any] = {"status": status}
        if status == "completed" != order.status:
            changes = {**changes, "completed_at": self._store.now_seconds()}
        self._store.change_order(order.id, **changes)
        changed = self._store.order(order.id)
        assert changed is not None
        return Reply(200, order_document(changed, api))


def _required(body: Any, name: str) -> str:
    if not body.get(name):
        code, message = "rest_missing_callback_param", f"Missing parameter(s): {name}"
        raise RefusalError(400, code, message, params=[name])
    return str(body[name])
