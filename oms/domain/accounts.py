"""Merchants, vendors, partnerships and tokens as they are stored. Instants are epoch ms."""

from dataclasses import dataclass

from oms.domain.partnerships import PartnershipState
from oms.domain.principals import Role


@dataclass(frozen=True, slots=True)
class Merchant:
    """A tenant who sells in web stores."""

    id: str
    display_name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Vendor:
    """A source agent who works for several merchants."""

    id: str
    display_name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Partnership:
    """A merchant and a vendor who work together."""

    merchant_id: str
    vendor_id: str
    state: PartnershipState
    acceptance_required: bool
    acceptance_hours: int
    version: int
    created_at: int
    merchant_display_name: str = ""
    vendor_display_name: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token without its secret."""

    id: str
    role: Role
    principal_id: str
    display_name: str
    created_at: int
    expire_at: int | None
    revoked_at: int | None
