"""The postal address of a WooCommerce order."""

from typing import Final

from oms.domain.snapshots import Address
from oms.gateways.stores.fields import (
    SHOWN_CHARACTERS_MAX,
    Document,
    UnreadableFieldError,
    read_text,
)

NAME_CHARACTERS_MAX: Final = 500  # Names, companies, streets, cities.
CODE_CHARACTERS_MAX: Final = 200  # Regions, postal codes, phones.
COUNTRY_CHARACTERS: Final = 2  # ISO 3166-1 alpha-2.


def choose_address(shipping: Document, billing: Document, *, must_be_there: bool) -> Address:
    """Choose the shipping address, or the billing address when the shipping one has no street.

    Some stores fill in the country of an otherwise empty shipping address, so a street decides
    before a country does. What the chosen one lacks in name and phone is taken from billing.
    """
    addresses = [_read_address(shipping, "shipping"), _read_address(billing, "billing")]
    with_street = [address for address in addresses if address.line1 or address.line2]
    with_country = [address for address in addresses if address.country_code]
    if must_be_there and not with_street and not with_country:
        raise UnreadableFieldError("shipping and billing name neither a street nor a country")
    chosen = next(iter(with_street + with_country), addresses[0])
    return Address(
        name=chosen.name or addresses[1].name,
        company=chosen.company,
        line1=chosen.line1,
        line2=chosen.line2,
        city=chosen.city,
        region=chosen.region,
        postal_code=chosen.postal_code,
        country_code=chosen.country_code,
        phone=chosen.phone or addresses[1].phone,
    )


def read_name(document: Document) -> str:
    """Join first and last name."""
    first = read_text(document, "first_name", characters_max=NAME_CHARACTERS_MAX)
    last = read_text(document, "last_name", characters_max=NAME_CHARACTERS_MAX)
    return f"{first} {last}".strip()


def _read_address(document: Document, prefix: str) -> Address:
    try:
        return Address(
            name=read_name(document),
            company=read_text(document, "company", characters_max=NAME_CHARACTERS_MAX),
            line1=read_text(document, "address_1", characters_max=NAME_CHARACTERS_MAX),
            line2=read_text(document, "address_2", characters_max=NAME_CHARACTERS_MAX),
            city=read_text(document, "city", characters_max=NAME_CHARACTERS_MAX),
            region=read_text(document, "state", characters_max=CODE_CHARACTERS_MAX),
            postal_code=read_text(document, "postcode", characters_max=CODE_CHARACTERS_MAX),
            country_code=_country(document),
            phone=read_text(document, "phone", characters_max=CODE_CHARACTERS_MAX),
        )
    except UnreadableFieldError as error:
        raise UnreadableFieldError(f"{prefix}.{error}") from None


def _country(document: Document) -> str:
    code = read_text(document, "country", characters_max=NAME_CHARACTERS_MAX).upper()
    if code and not (len(code) == COUNTRY_CHARACTERS and code.isascii() and code.isalpha()):
        raise UnreadableFieldError(
            f"country is no two-letter code: {code[:SHOWN_CHARACTERS_MAX]!a}"
        )
    return code
