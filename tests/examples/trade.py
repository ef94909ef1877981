"""A running product with a shop, a carrier, a merchant and two vendors who share every order."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from app.demo.accounts import open_merchant, open_vendors
from app.demo.merchant import OWN, Merchant
from app.demo.scene import Scene, SceneOptions
from app.demo.shop_records import Buyer, Item, Order, Product
from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.v1.after_sales_policy_pb2 import ISSUE_TYPE_DAMAGED
from fbali.v1.after_sales_service_pb2 import (
    CheckEligibilityRequest,
    CreateCaseRequest,
    ListCasesRequest,
    ListPhotosRequest,
    NewCaseItem,
    SubmitCaseRequest,
)
from fbali.v1.case_pb2 import RESOLUTION_MODE_FULL_REFUND, Case
from fbali.v1.fulfillment_service_pb2 import AcceptPartnershipRequest
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
from fbali.v1.order_pb2 import Order as OrderShown
from fbali.v1.store_pb2 import PROCESSING_AUTOMATIC, PROCESSING_MANUAL, STORE_PLATFORM_WOOCOMMERCE
from oms.gateways.clock import SystemClock
from tests.services.stack import wait_for

SECONDS_PER_STEP = 0.5  # How fast parcels travel.
WAIT_SECONDS_MAX = 60.0  # A slow machine starts a program of Java in many seconds.
CALL = CallPolicy(timeout_seconds=WAIT_SECONDS_MAX)
BUYER = Buyer("Ada", "Sample", "1 Market St", "San Francisco", "CA", "94103", "US")


class Trade:
    """Set up when made; use it as a context manager. The server is a process that can be killed."""

    def __init__(self, vendor_names: Sequence[str], *, is_placed_by_hand: bool) -> None:
        self._closing = ExitStack()
        options = SceneOptions(orders=0, seconds_per_step=SECONDS_PER_STEP)
        self.scene = self._closing.enter_context(Scene(options, os.environ, SystemClock()))
        self.server = self.scene.server
        self._operator_token = self.server.init()
        self._start_server()
        with Client(self.server.address, token=self._operator_token, policy=CALL) as operator:
            self.merchant_account = open_merchant(operator, "Merchant")
            self.vendor_accounts = open_vendors(operator, vendor_names)
        self.merchant = self._closing.enter_context(
            Client(self.server.address, token=self.merchant_account.token, policy=CALL)
        )
        self._connect(PROCESSING_MANUAL if is_placed_by_hand else PROCESSING_AUTOMATIC)
        self._hire()
        self._host()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._closing.close()

    def cut_power(self) -> None:
        """Kill the server."""
        self.server.kill()

    def restore_power(self) -> None:
        """Start the server again."""
        self._start_server()

    # --- The merchant -------------------------------------------------------------------------

    def orders(self) -> Sequence[OrderShown]:
        return Merchant(self.merchant).newest_orders()

    def order(self, name: str) -> OrderShown:
        """Read everything about one order."""
        return Merchant(self.merchant).order(name)

    def cases(self) -> Sequence[Case]:
        return self.merchant.after_sales.ListCases(ListCasesRequest()).cases

    def uploaders(self, case: str) -> list[str]:
        """Name who sent the photos of a case, in their order."""
        photos = self.merchant.after_sales.ListPhotos(ListPhotosRequest(parent=case)).photos
        return [photo.uploader for photo in photos]

    def complain(self, order: str, photo: Path) -> None:
        """Open a case with a photo per vendor, as the example of a merchant does."""
        calls = self.merchant.after_sales
        units = calls.CheckEligibility(CheckEligibilityRequest(order=order)).units
        items = [
            NewCaseItem(
                line=unit.line,
                package=unit.package,
                quantity=1,
                type=ISSUE_TYPE_DAMAGED,
                mode=RESOLUTION_MODE_FULL_REFUND,
            )
            for unit in units
        ]
        request = CreateCaseRequest(order=order, description="Broken", items=items)
        for case in calls.CreateCase(request).cases:
            self.merchant.upload_photo(case.name, photo)
            calls.SubmitCase(SubmitCaseRequest(name=case.name))

    # --- The shop -----------------------------------------------------------------------------

    def buy(self) -> None:
        """Let a customer order from both vendors at once, three units in all."""
        now, shop = int(time.time()), self.scene.shop
        items = tuple(
            Item(number, product.id, 0, product.name, product.sku, product.price, quantity=number)
            for number, product in enumerate(self._products, start=1)
        )
        shop.add_order(
            Order(
                id=shop.store.next_order_id(),
                status="processing",
                currency="USD",
                created_at=now,
                modified_at=now,
                buyer=BUYER,
                items=items,
                paid_at=now,
            )
        )

    @property
    def _products(self) -> list[Product]:
        """One product for each vendor."""
        plain = [product for product in self.scene.catalog.products if not product.variations]
        return plain[: len(self.vendor_accounts)]

    # --- Setting up ---------------------------------------------------------------------------

    def _start_server(self) -> None:
        self.server.start()
        self.server.wait_until_ready(self._operator_token, time.sleep)

    def _connect(self, processing: Any) -> None:
        shop = self.scene.shop
        request = ConnectStoreRequest(
            parent=OWN,
            platform=STORE_PLATFORM_WOOCOMMERCE,
            base_url=shop.url,
            sync_interval_seconds=1,
            processing=processing,
            consumer_key=shop.credentials["consumer_key"],
            consumer_secret=shop.credentials["consumer_secret"],
        )
        self.merchant.hosting.ConnectStore(request)
        expected = len(self.scene.catalog.products)
        wait_for(
            lambda: len(Merchant(self.merchant).products()) == expected, seconds=WAIT_SECONDS_MAX
        )

    def _hire(self) -> None:
        for vendor in self.vendor_accounts:
            Merchant(self.merchant).invite(vendor)
            vendor_id = vendor.name.rpartition("/")[2]
            name = f"{self.merchant_account.name}/partnerships/{vendor_id}"
            with Client(self.server.address, token=vendor.token, policy=CALL) as client:
                client.fulfillment.AcceptPartnership(AcceptPartnershipRequest(name=name))

    def _host(self) -> None:
        pairs = zip(self._products, self.vendor_accounts, strict=True)
        Merchant(self.merchant).host({product.id: vendor for product, vendor in pairs}, {})
