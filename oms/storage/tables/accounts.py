"""Merchants, vendors, partnerships and tokens."""

from peewee import (
    BigIntegerField,
    BooleanField,
    CompositeKey,
    IntegerField,
    TextField,
)

from oms.domain.partnerships import PartnershipState
from oms.domain.principals import Role
from oms.storage.tables.columns import Table, one_of, refers_to


class MerchantRow(Table):
    """A merchant."""

    id = TextField(primary_key=True)
    display_name = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "merchant"


class VendorRow(Table):
    """A vendor."""

    id = TextField(primary_key=True)
    display_name = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "vendor"


class PartnershipRow(Table):
    """A merchant and a vendor who work together."""

    merchant_id = refers_to("merchant")
    vendor_id = refers_to("vendor")
    state = TextField()
    acceptance_required = BooleanField()
    acceptance_hours = IntegerField()
    version = IntegerField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "partnership"
        primary_key = CompositeKey("merchant_id", "vendor_id")
        indexes = ((("vendor_id", "merchant_id"), False),)
        constraints = (one_of("state", PartnershipState),)


class TokenRow(Table):
    """A bearer token, by the hash of its secret."""

    id = TextField(primary_key=True)
    secret_hash = TextField(unique=True)
    role = TextField()
    principal_id = TextField()
    display_name = TextField()
    created_at = BigIntegerField()
    expire_at = BigIntegerField(null=True)
    revoked_at = BigIntegerField(null=True)

    class Meta:
        table_name = "token"
        indexes = ((("principal_id", "id"), False),)
        constraints = (one_of("role", Role),)
