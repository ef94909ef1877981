"""What happens in the demo, act by act."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final

from app.demo.accounts import open_merchant, open_vendors
from app.demo.closing import Cast, show_order, suggest
from app.demo.customers import Customers, Hosts
from app.demo.endings import DemoError, Ending
from app.demo.followed import FollowedOrder
from app.demo.merchant import Merchant, share_out
from app.demo.narration import Narrator
from app.demo.progress import Progress, counted, summary
from app.demo.regretted import RegrettedOrder
from app.demo.scene import Scene
from app.demo.vendors import VendorAgent, VendorOptions
from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.v1.order_service_pb2 import OrderTag
from fbali.v1.store_pb2 import Store, SyncRunState

MERCHANT: Final = "Sunny Goods"
VENDORS: Final = (VendorOptions("Lotus Co", "LC"), VendorOptions("Red Pine", "RP"))
SYNC_SECONDS: Final = 2  # How often the shop is asked for new orders.
LOOK_SECONDS: Final = 0.3
READING_SECONDS: Final = 1.5  # What was said so far is a lot.
UNHOSTED_PRODUCTS: Final = 2  # So many are left without a vendor at first.
PLACE_AFTER_SECONDS: Final = 4.0
HOST_REST_AFTER_SECONDS: Final = 7.0
BUY_EVERY_SECONDS: Final = 4.0
BUY_QUIETLY_EVERY_SECONDS: Final = 15.0
ACT_SECONDS_MAX: Final = 180.0  # No act takes as long on any machine, unless something is wrong.
CALL_SECONDS: Final = 10.0


class Play:
    """The acts in their order. `is_done` once the followed order is delivered and shown."""

    def __init__(
        self, scene: Scene, narrator: Narrator, ending: Ending, environ: Mapping[str, str]
    ) -> None:
        """Prepare; `perform` begins."""
        self.is_done = False
        self._scene = scene
        self._narrator = narrator
        self._ending = ending
        self._environ = environ
        self._closing = ExitStack()
        self._agents: list[VendorAgent] = []

    def close(self) -> None:
        """Let the vendors go home and close all connections."""
        self._ending.ask()
        for agent in self._agents:
            agent.join()
        self._closing.close()

    def perform(self) -> None:
        """Play everything; raises DemoError when it cannot go on, Stopped when it is to end."""
        self._open()
        self._store = self._connect_shop()
        self._invite_vendors()
        self._host_most()
        progress = Progress(self._narrator, self._merchant, self._store, self._agents)
        followed = self._follow_an_order(progress)
        self._show(followed)
        self.is_done = True

    def go_on(self) -> None:
        """Keep everything running, without a word, until somebody asks for the end."""
        while True:
            self._customers.buy()
            self._wait_until(lambda: False, BUY_QUIETLY_EVERY_SECONDS)

    # --- Acts -----------------------------------------------------------------------------------

    def _open(self) -> None:
        scene, say = self._scene, self._narrator.say
        server = scene.server
        say("demo", f"data and logs are in {scene.folder}")
        say("shop", f"pretend WooCommerce shop at {scene.shop.url}")
        say("carrier", f"pretend tracking service at {scene.carrier.base_url}")
        operator_token = server.init()
        say("FbAli", "fbali-server init: database and operator token are made")
        server.start()
        info = server.wait_until_ready(operator_token, self._ending.pause)
        say("FbAli", f"fbali-server run: {info.version} listens at {server.address}")
        operator = self._client(operator_token)
        merchant = open_merchant(operator, MERCHANT)
        vendors = open_vendors(operator, [options.display_name for options in VENDORS])
        names = " and ".join(vendor.display_name for vendor in vendors)
        say("operator", f"creates merchant {MERCHANT}, vendors {names}, and a token for each")
        self._cast = Cast(server.address, operator_token, merchant, vendors)
        self._merchant = Merchant(self._client(merchant.token))
        self._customers = Customers(scene.shop, scene.catalog)

    def _connect_shop(self) -> Store:
        store = self._merchant.connect(self._scene.shop, sync_interval_seconds=SYNC_SECONDS)
        self._narrator.say("merchant", f"connects the shop; it is read every {SYNC_SECONDS} s")
        self._wait_until(lambda: self._first_sync_state(store) != "")
        if (state := self._first_sync_state(store)) != "SUCCEEDED":
            raise DemoError(f"The first sync of the shop ended as {state}.")
        run = self._merchant.sync_run(store.latest_sync_run)
        admitted = self._merchant.counts()[OrderTag.ORDER_TAG_UNSPECIFIED]
        self._narrator.say(
            "FbAli",
            f"first sync: {run.product_count} products, {run.order_count} orders. {admitted} are"
            " paid and to be shipped; the others are unpaid, cancelled or shipped already",
        )
        return store

    def _first_sync_state(self, store: Store) -> str:
        run = self._merchant.sync_run(store.latest_sync_run)
        ended = (SyncRunState.SYNC_RUN_STATE_SUCCEEDED, SyncRunState.SYNC_RUN_STATE_FAILED)
        word = SyncRunState.Name(run.state).removeprefix("SYNC_RUN_STATE_")
        return word if run.state in ended else ""

    def _invite_vendors(self) -> None:
        for options, account in zip(VENDORS, self._cast.vendors, strict=True):
            self._merchant.invite(account)
            agent = VendorAgent(self._client(account.token), options, self._ending)
            self._agents.append(agent)
            agent.start()
        self._narrator.say("merchant", "invites both vendors")
        self._wait_until(lambda: all(agent.tally.invitations for agent in self._agents))
        for agent in self._agents:
            self._narrator.say(agent.options.display_name, "accepts the invitation")

    def _host_most(self) -> None:
        """Host all products but the ones most waited for, so that it shows what un-hosted means."""
        say = self._narrator.say
        say("FbAli", f"{summary(self._merchant.counts())}. Nobody hosts their products yet")
        wanted = self._merchant.unhosted_products()
        self._left_out = [int(product.external_id) for product in wanted[:UNHOSTED_PRODUCTS]]
        ids = [int(product.external_id) for product in self._merchant.products()]
        hosted = [product_id for product_id in ids if product_id not in self._left_out]
        self._choices, fallbacks = share_out(hosted, self._cast.vendors)
        self._merchant.host(self._choices, fallbacks)
        shares = ", ".join(
            f"{list(self._choices.values()).count(vendor)} with {vendor.display_name}"
            for vendor in self._cast.vendors
        )
        rest = f"; {len(self._left_out)} with nobody for now" if self._left_out else ""
        say("merchant", f"hosts products: {shares}{rest}")
        self._wait_until(lambda: len(self._merchant.unhosted_products()) <= len(self._left_out))
        units = sum(product.waiting_unit_count for product in self._merchant.unhosted_products())
        waiting = f"; {counted(units, 'unit')} of the un-hosted products wait as Pending"
        say("FbAli", f"every vendor has its part of the orders{waiting if units else ''}")

    def _place_by_hand(self) -> None:
        """Let the merchant choose a vendor for the un-hosted product that is most waited for."""
        for product in self._merchant.unhosted_products()[:1]:
            vendor = self._cast.vendors[0]
            placed = [item for item in self._merchant.place_by_hand(product, vendor) if item.parts]
            if placed:
                self._narrator.say(
                    "merchant",
                    f"places {counted(len(placed), 'order')} by hand: {product.title}, which nobody"
                    f" hosts, goes to {vendor.display_name}, who hosts it from now on",
                )
                self._left_out.remove(int(product.external_id))

    def _host_rest(self) -> None:
        if not self._left_out:
            return
        choices, _ = share_out(self._left_out, self._cast.vendors)
        self._merchant.host(choices, {})
        self._left_out = []
        self._narrator.say("merchant", "hosts the rest: the orders that waited are released")

    def _follow_an_order(self, progress: Progress) -> FollowedOrder:
        """Let customers buy, and watch one order until all of it is delivered."""
        self._ending.pause(READING_SECONDS)
        began = time.monotonic()
        order = self._customers.buy_to_follow(self._hosts())
        units = sum(item.quantity for item in order.items)
        number = str(order.id)
        self._narrator.say(
            "shop",
            f"order {number} comes in with {units} units; we follow it, in bold",
            is_followed=True,
        )
        names = {vendor.name: vendor.display_name for vendor in self._cast.vendors}
        followed = FollowedOrder(self._narrator, self._merchant, number, names)
        regretted, vendor = self._buy_to_regret()
        bought = 0

        def look() -> bool:
            nonlocal bought
            seconds = time.monotonic() - began
            if seconds > BUY_EVERY_SECONDS * (bought + 1):
                bought += 1
                self._customers.buy()
            if seconds > PLACE_AFTER_SECONDS and len(self._left_out) == UNHOSTED_PRODUCTS:
                self._place_by_hand()
            if seconds > HOST_REST_AFTER_SECONDS:
                self._host_rest()
            progress.look()
            regretted.look(vendor)
            return followed.look() and regretted.is_over

        self._wait_until(look)
        return followed

    def _buy_to_regret(self) -> tuple[RegrettedOrder, VendorAgent]:
        order = self._customers.buy_to_regret(self._hosts())
        vendor = self._agents[0]
        vendor.run_short_of(str(order.id))
        self._customers.place(order)
        return RegrettedOrder(self._narrator, self._merchant, self._scene.shop, order), vendor

    def _hosts(self) -> Hosts:
        prefixes = {
            account.name: options.label_prefix
            for options, account in zip(VENDORS, self._cast.vendors, strict=True)
        }
        first, second = prefixes.values()
        virtual = {product.id for product in self._scene.catalog.products if product.is_virtual}
        by_product = {
            product_id: prefixes[vendor.name]
            for product_id, vendor in self._choices.items()
            if product_id not in virtual  # Hosted like all, but it needs no vendor.
        }
        return Hosts(by_product, first, second)

    def _show(self, followed: FollowedOrder) -> None:
        narrator = self._narrator
        narrator.title(f"Order {followed.number} in full, as `fbali orders show` prints it:")
        if not show_order(self._cast, followed.name, self._environ):
            narrator.text()
            self._ending.check()  # It may be that nobody reads any more.
            raise DemoError("`fbali orders show` did not show it.")
        self._show_in_shop(int(followed.number))
        suggest(narrator, self._cast, followed.name)
        narrator.text()
        narrator.paragraph(
            "Everything keeps running: customers buy, vendors ship, parcels travel. Ctrl-C ends it."
        )

    def _show_in_shop(self, order_id: int) -> None:
        """Tell what the shop itself holds of the order by now, which FbAli wrote back."""
        order = self._scene.shop.store.order(order_id)
        assert order is not None
        self._narrator.title(f"The same order as the shop sees it, {order.status}:")
        for fulfillment in order.fulfillments:
            meta = dict(fulfillment.meta)
            units = sum(item["qty"] for item in meta["_items"])
            number = meta["_tracking_number"]
            words = f"fulfilment {fulfillment.id}: {counted(units, 'unit')} as {number}"
            self._narrator.text(f"  {words}, {meta['_tracking_url']}")
        self._narrator.text()

    # --- Waiting --------------------------------------------------------------------------------

    def _wait_until(self, is_so: Callable[[], bool], seconds: float = 0) -> None:
        """Look again and again; with `seconds` for no longer than that, else it has to come so."""
        until = time.monotonic() + (seconds or ACT_SECONDS_MAX)
        while not is_so():
            self._scene.server.check()
            for agent in self._agents:
                if agent.failure is not None:
                    raise DemoError(f"{agent.options.display_name} gave up: {agent.failure}")
            self._ending.pause(LOOK_SECONDS)
            if time.monotonic() > until:
                if seconds:
                    return
                raise DemoError(f"Nothing more happened for {ACT_SECONDS_MAX:.0f} s.")

    def _client(self, token: str) -> Client:
        policy = CallPolicy(timeout_seconds=CALL_SECONDS, sleep=self._ending.pause)
        client = Client(self._scene.server.address, token=token, policy=policy)
        return self._closing.enter_context(client)
