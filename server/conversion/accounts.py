"""Merchants, vendors, partnerships, tokens and jobs."""

from fbali.v1.job_pb2 import Job as JobMessage
from fbali.v1.job_pb2 import JobState as JobStateNumber
from fbali.v1.merchant_pb2 import Merchant as MerchantMessage
from fbali.v1.token_pb2 import Role as RoleNumber
from fbali.v1.token_pb2 import Token as TokenMessage
from fbali.v1.vendor_pb2 import Partnership as PartnershipMessage
from fbali.v1.vendor_pb2 import PartnershipState as PartnershipStateNumber
from fbali.v1.vendor_pb2 import Vendor as VendorMessage
from oms.domain.accounts import Merchant, Partnership, Token, Vendor
from oms.domain.jobs import IF_DISCARDED, Job, JobKind
from oms.domain.principals import Role
from server import names
from server.conversion.basics import instant, number

ROLE_PREFIX = "ROLE_"
JOB_STATE_PREFIX = "JOB_STATE_"
PARTNERSHIP_STATE_PREFIX = "PARTNERSHIP_STATE_"

_COLLECTIONS = {Role.MERCHANT: "merchants/", Role.VENDOR: "vendors/", Role.OPERATOR: ""}


def merchant_message(merchant: Merchant) -> MerchantMessage:
    """Convert a merchant."""
    return MerchantMessage(
        name=names.merchant(merchant.id),
        display_name=merchant.display_name,
        create_time=instant(merchant.created_at),
    )


def vendor_message(vendor: Vendor) -> VendorMessage:
    """Convert a vendor."""
    return VendorMessage(
        name=names.vendor(vendor.id),
        display_name=vendor.display_name,
        create_time=instant(vendor.created_at),
    )


def partnership_message(found: Partnership) -> PartnershipMessage:
    """Convert a partnership."""
    return PartnershipMessage(
        name=names.partnership(found.merchant_id, found.vendor_id),
        merchant=names.merchant(found.merchant_id),
        merchant_display_name=found.merchant_display_name,
        vendor=names.vendor(found.vendor_id),
        vendor_display_name=found.vendor_display_name,
        state=number(PartnershipStateNumber, PARTNERSHIP_STATE_PREFIX, found.state),
        acceptance_required=found.acceptance_required,
        acceptance_hours=found.acceptance_hours,
        etag=str(found.version),
        create_time=instant(found.created_at),
    )


def principal_name(role: Role, principal_id: str) -> str:
    """Name a principal; empty for the operator."""
    return _COLLECTIONS[role] + principal_id


def token_message(token: Token) -> TokenMessage:
    """Convert a token, which has no secret any more."""
    return TokenMessage(
        name=f"tokens/{token.id}",
        role=number(RoleNumber, ROLE_PREFIX, token.role),
        principal=principal_name(token.role, token.principal_id),
        display_name=token.display_name,
        create_time=instant(token.created_at),
        expire_time=instant(token.expire_at),
        revoke_time=instant(token.revoked_at),
    )


def job_message(job: Job) -> JobMessage:
    """Convert a job."""
    return JobMessage(
        name=f"jobs/{job.id}",
        kind=job.kind,
        state=number(JobStateNumber, JOB_STATE_PREFIX, job.state),
        merchant=names.merchant(job.merchant_id),
        failure_count=job.failures,
        crash_count=job.crashes,
        last_error=job.last_error,
        due_time=instant(job.due_at),
        create_time=instant(job.created_at),
        finish_time=instant(job.finished_at),
        discard_effect=IF_DISCARDED[JobKind(job.kind)],
    )
