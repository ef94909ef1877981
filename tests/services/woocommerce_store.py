"""Opening the WooCommerce gateway on a test's own server."""

import ssl
from base64 import b64encode
from dataclasses import dataclass

from oms.gateways.http import HttpSettings, JsonClient, trust_store
from oms.gateways.http_address import parse_base_url
from oms.gateways.stores.woocommerce import WORDING, WooCommerceStore
from oms.usecases.ports import StoreAddress

KEY = {"consumer_key": "ck_0123456789abcdef", "consumer_secret": "cs_fedcba9876543210"}
SYSTEM_TRUST = trust_store()


@dataclass
class HandClock:
    """A clock that a test turns by hand; it serves as Clock and as the pretend shop's clock."""

    seconds: int = 1_795_000_000

    def now_ms(self) -> int:
        return self.seconds * 1000

    def now_seconds(self) -> int:
        return self.seconds


def settings(
    clock: HandClock | None = None,
    *,
    timeout_seconds: float = 5.0,
    body_bytes_max: int = 32 * 1024 * 1024,
    tls: ssl.SSLContext = SYSTEM_TRUST,
    allow_private_addresses: bool = True,
) -> HttpSettings:
    """Settings for a loopback server; the pause before a retry is skipped."""
    return HttpSettings(
        clock=clock or HandClock(),
        tls=tls,
        timeout_seconds=timeout_seconds,
        body_bytes_max=body_bytes_max,
        allow_private_addresses=allow_private_addresses,
        pause=lambda _seconds: None,
    )


def open_store(url: str, http: HttpSettings | None = None, **key: str) -> WooCommerceStore:
    """Open a store with an invented key, or with the one that is given."""
    return WooCommerceStore.open(StoreAddress("woocommerce", url, key or KEY), http or settings())


def plain_client(url: str, http: HttpSettings, **key: str) -> JsonClient:
    """A client for the parts below a store."""
    base = parse_base_url(url, allow_private=True)
    pair = f"{key.get('consumer_key')}:{key.get('consumer_secret')}"
    headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return JsonClient(base, http, WORDING, headers=headers)
