"""What a WooCommerce store says of its own version and currency."""

from dataclasses import dataclass
from typing import Final

from oms.domain.errors import GatewayError
from oms.domain.money import is_currency
from oms.gateways.http import JsonClient
from oms.gateways.stores.fields import UnreadableFieldError, read_object, read_text

API: Final = "/wp-json/wc/v3"
VERSION_CHARACTERS_MAX: Final = 50
# A key of a user who may not manage the store is refused here; old or trimmed stores lack it.
_UNSAID: Final = frozenset(
    {
        "GATEWAY_CREDENTIALS_REFUSED",
        "GATEWAY_NOT_FOUND",
        "GATEWAY_REQUEST_REFUSED",
        "GATEWAY_ANSWER_MALFORMED",
        "GATEWAY_SERVER_ERROR",
    }
)


@dataclass(frozen=True, slots=True)
class Platform:
    """Version and ISO 4217 currency, each empty when the store does not say."""

    version: str = ""
    currency: str = ""


def read_platform(client: JsonClient) -> Platform:
    """Ask for version and currency, which not every key may see; that is no failure.

    Naming the fields makes the store skip the costly parts of its status report (system status
    controller, `get_item_mappings_per_fields`).
    """
    try:
        fields = {"_fields": "environment.version,settings.currency"}
        document = client.get(f"{API}/system_status", fields).document
    except GatewayError as error:
        if error.word not in _UNSAID:
            raise
        return Platform()
    if not isinstance(document, dict):
        return Platform()
    try:
        environment, settings = (
            read_object(document, "environment"),
            read_object(document, "settings"),
        )
        version = read_text(environment, "version", characters_max=VERSION_CHARACTERS_MAX)
        currency = read_text(settings, "currency", characters_max=VERSION_CHARACTERS_MAX)
    except UnreadableFieldError:
        return Platform()
    return Platform(version, currency if is_currency(currency) else "")
