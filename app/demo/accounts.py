"""What the demo's operator sets up: a merchant, vendors, and a token for each."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.demo.intents import request_id
from fbali.client import Client
from fbali.v1.admin_service_pb2 import (
    CreateMerchantRequest,
    CreateVendorRequest,
    IssueTokenRequest,
)
from fbali.v1.token_pb2 import Role


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant or vendor; `name` is its resource name."""

    name: str
    display_name: str
    token: str


def open_merchant(operator: Client, display_name: str) -> Account:
    """Create a merchant with a token."""
    request = CreateMerchantRequest(
        display_name=display_name, request_id=request_id("merchant", display_name)
    )
    name = operator.admin.CreateMerchant(request).merchant.name
    return Account(name, display_name, _token(operator, Role.ROLE_MERCHANT, name))


def open_vendors(operator: Client, display_names: Sequence[str]) -> list[Account]:
    """Create vendors with a token each."""
    accounts = []
    for display_name in display_names:
        request = CreateVendorRequest(
            display_name=display_name, request_id=request_id("vendor", display_name)
        )
        name = operator.admin.CreateVendor(request).vendor.name
        accounts.append(Account(name, display_name, _token(operator, Role.ROLE_VENDOR, name)))
    return accounts


def _token(operator: Client, role: Role.ValueType, principal: str) -> str:
    request = IssueTokenRequest(
        role=role,
        principal=principal,
        display_name="demo",
        request_id=request_id("token", principal),
    )
    return operator.admin.IssueToken(request).secret
