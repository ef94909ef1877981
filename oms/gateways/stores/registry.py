"""Which gateway reads which platform."""

from collections.abc import Callable, Mapping
from typing import Final

from oms.domain.errors import InvalidInput
from oms.gateways.http import HttpSettings
from oms.gateways.stores.woocommerce import WooCommerceStore
from oms.usecases.ports import StoreAddress, StoreGateway

PLATFORMS: Final[Mapping[str, Callable[[StoreAddress, HttpSettings], StoreGateway]]] = {
    "woocommerce": WooCommerceStore.open,
}


class StoreRegistry:
    """Opens the gateway of a store; a StoreGateways of the use cases."""

    def __init__(self, settings: HttpSettings) -> None:
        """Share time limits, trusted certificates and allowed addresses among all gateways."""
        self._settings = settings

    def open(self, address: StoreAddress) -> StoreGateway:
        """Return a gateway; nothing is sent yet.

        Raises:
            InvalidInput: the platform is unknown, or address or credentials cannot be right.
        """
        opener = PLATFORMS.get(address.platform)
        if opener is None:
            known = ", ".join(sorted(PLATFORMS))
            raise InvalidInput.of("platform", f"choose one of: {known}")
        return opener(address, self._settings)
