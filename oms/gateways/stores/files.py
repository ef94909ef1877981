"""A store without a web store: its orders come from files."""

from typing import Final, Self

from oms.domain.errors import GatewayError, InvalidInput
from oms.domain.snapshots import OrderPage, ProductPage, StoreIdentity
from oms.domain.write_backs import ParcelWord, WriteBackMethod
from oms.gateways.http import HttpSettings
from oms.usecases.ports import StoreAddress

NAME_CHARACTERS_MAX: Final = 200


class FilesStore:
    """A StoreGateway with nothing behind it; its pages are empty."""

    @classmethod
    def open(cls, address: StoreAddress, settings: HttpSettings) -> Self:
        """Take any name of the caller's choice for an address; no key is needed.

        Raises:
            InvalidInput: the name is blank or too long.
        """
        del settings
        if not 0 < len(address.base_url.strip()) <= NAME_CHARACTERS_MAX:
            raise InvalidInput.of(
                "base_url", f"is a name of your choice, with at most {NAME_CHARACTERS_MAX} letters"
            )
        return cls()

    def identify(self) -> StoreIdentity:
        """Say nothing of itself."""
        return StoreIdentity("", "", "")

    def read_orders(self, *, since: int, cursor: str) -> OrderPage:
        """Give no orders."""
        del cursor
        return OrderPage((), (), "", since, 0)

    def read_products(self, *, since: int, cursor: str) -> ProductPage:
        """Give no products."""
        del cursor
        return ProductPage((), (), "", since)

    def choose_write_back(self, order_external_id: str) -> WriteBackMethod:
        """Refuse: nobody is there to be told."""
        raise self._refusal(order_external_id)

    def find_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str | None:
        """Find nothing."""
        del word, method
        return None

    def tell_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str:
        """Refuse: nobody is there to be told."""
        del method
        raise self._refusal(word.order_external_id)

    def complete_order(self, order_external_id: str) -> None:
        """Refuse: nobody is there to be told."""
        raise self._refusal(order_external_id)

    @staticmethod
    def _refusal(order_external_id: str) -> GatewayError:
        return GatewayError(
            f"order {order_external_id} came from a file: there is no web store to tell",
            reason="GATEWAY_REQUEST_REFUSED",
        )
