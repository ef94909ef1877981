"""Which gateway reads which platform, and which reader which kind of file."""

from collections.abc import Callable, Mapping
from typing import Final

from oms.domain.errors import InvalidInput
from oms.domain.imports import ExportFormat, ImportFormat
from oms.domain.stores import FILES_PLATFORM
from oms.gateways.http import HttpSettings
from oms.gateways.stores.files import FilesStore
from oms.gateways.stores.json_lines import JsonLinesFile
from oms.gateways.stores.order_writers import WRITERS
from oms.gateways.stores.shopify_csv import ShopifyCsvFile
from oms.gateways.stores.woocommerce import WooCommerceStore
from oms.usecases.ports import OrderFile, OrderWriter, StoreAddress, StoreGateway

PLATFORMS: Final[Mapping[str, Callable[[StoreAddress, HttpSettings], StoreGateway]]] = {
    "woocommerce": WooCommerceStore.open,
    FILES_PLATFORM: FilesStore.open,
}
FILES: Final[Mapping[ImportFormat, Callable[[int | None], OrderFile]]] = {
    ImportFormat.JSON_LINES: JsonLinesFile,
    ImportFormat.SHOPIFY_CSV: ShopifyCsvFile,
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

    def read_file(self, kind: ImportFormat, exported_at: int | None) -> OrderFile:
        """Begin to read a file of orders."""
        return FILES[kind](exported_at)

    def write_file(self, kind: ExportFormat) -> OrderWriter:
        """Begin to write a file of orders."""
        return WRITERS[kind]()
