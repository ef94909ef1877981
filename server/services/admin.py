"""AdminService."""

from importlib.metadata import version

from fbali.v1 import admin_service_pb2 as pb
from fbali.v1.job_pb2 import JobState as JobStateNumber
from fbali.v1.token_pb2 import Role as RoleNumber
from oms.domain.jobs import Job, JobState
from oms.domain.principals import Role
from oms.usecases import queries
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.health import problems
from oms.usecases.manage_accounts import (
    IssuedToken,
    IssueToken,
    create_merchant,
    create_vendor,
    issue_token,
    revoke_token,
)
from oms.usecases.manage_jobs import discard_job, retry_job
from server import names
from server.conversion.accounts import (
    JOB_STATE_PREFIX,
    ROLE_PREFIX,
    job_message,
    merchant_message,
    principal_name,
    token_message,
    vendor_message,
)
from server.conversion.basics import enum_or_none, epoch_ms, number, word
from server.paging import cut_page, page_size, start_key

CAPABILITIES = ("store.woocommerce", "carrier.17track")
ALREADY_SHOWN = "already shown"


class AdminService:
    """Merchants, vendors, tokens and jobs."""

    def __init__(self, oms: Oms) -> None:
        """Serve one order management."""
        self._oms = oms

    def GetServerInfo(
        self, request: pb.GetServerInfoRequest, call: Call
    ) -> pb.GetServerInfoResponse:
        """Tell who the server is and who the caller is."""
        del request
        caller = call.caller
        return pb.GetServerInfoResponse(
            version=version("fbali-oms"),
            capabilities=CAPABILITIES,
            caller_role=number(RoleNumber, ROLE_PREFIX, caller.role),
            caller=principal_name(caller.role, caller.id),
            caller_display_name=queries.display_name(self._oms, caller),
            problems=problems(self._oms),
        )

    def CreateMerchant(self, request: pb.CreateMerchantRequest, call: Call) -> bytes:
        """Create a merchant."""
        return mutate(
            self._oms,
            call,
            create_merchant,
            request.display_name,
            lambda made: pb.CreateMerchantResponse(
                merchant=merchant_message(made)
            ).SerializeToString(),
        )

    def ListMerchants(
        self, request: pb.ListMerchantsRequest, call: Call
    ) -> pb.ListMerchantsResponse:
        """List merchants, oldest first."""
        [after] = start_key(request, call.caller) or [""]
        found = queries.list_merchants(self._oms, after, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.id])
        return pb.ListMerchantsResponse(
            merchants=[merchant_message(item) for item in page], next_page_token=token
        )

    def CreateVendor(self, request: pb.CreateVendorRequest, call: Call) -> bytes:
        """Create a vendor."""
        return mutate(
            self._oms,
            call,
            create_vendor,
            request.display_name,
            lambda made: pb.CreateVendorResponse(vendor=vendor_message(made)).SerializeToString(),
        )

    def ListVendors(self, request: pb.ListVendorsRequest, call: Call) -> pb.ListVendorsResponse:
        """List vendors, oldest first."""
        [after] = start_key(request, call.caller) or [""]
        found = queries.list_vendors(self._oms, after, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.id])
        return pb.ListVendorsResponse(
            vendors=[vendor_message(item) for item in page], next_page_token=token
        )

    def IssueToken(self, request: pb.IssueTokenRequest, call: Call) -> bytes:
        """Issue a token; its secret is in the first answer only."""
        command = IssueToken(
            role=Role(word(RoleNumber, ROLE_PREFIX, request.role)),
            principal_id=names.last_id(request.principal),
            display_name=request.display_name,
            expire_at=epoch_ms(request, "expire_time"),
        )
        return mutate(
            self._oms,
            call,
            issue_token,
            command,
            lambda issued: _issued(issued, issued.secret),
            lambda issued: _issued(issued, ALREADY_SHOWN),
        )

    def ListTokens(self, request: pb.ListTokensRequest, call: Call) -> pb.ListTokensResponse:
        """List tokens, newest first."""
        [before] = start_key(request, call.caller) or [""]
        found = queries.list_tokens(self._oms, call.caller, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.id])
        return pb.ListTokensResponse(
            tokens=[token_message(item) for item in page], next_page_token=token
        )

    def RevokeToken(self, request: pb.RevokeTokenRequest, call: Call) -> bytes:
        """Revoke a token at once."""
        return mutate(
            self._oms,
            call,
            revoke_token,
            names.last_id(request.name),
            lambda token: pb.RevokeTokenResponse(token=token_message(token)).SerializeToString(),
        )

    def ListJobs(self, request: pb.ListJobsRequest, call: Call) -> pb.ListJobsResponse:
        """List jobs, newest first."""
        state = enum_or_none(JobState, word(JobStateNumber, JOB_STATE_PREFIX, request.state))
        [before] = start_key(request, call.caller) or [""]
        wanted = queries.JobFilter(state, request.kind)
        found = queries.list_jobs(self._oms, wanted, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda job: [job.id])
        return pb.ListJobsResponse(jobs=[job_message(job) for job in page], next_page_token=token)

    def RetryJob(self, request: pb.RetryJobRequest, call: Call) -> bytes:
        """Make a job due now."""
        return mutate(self._oms, call, retry_job, names.last_id(request.name), _retried)

    def DiscardJob(self, request: pb.DiscardJobRequest, call: Call) -> bytes:
        """Give a job up for good."""
        return mutate(self._oms, call, discard_job, names.last_id(request.name), _discarded)


def _issued(issued: IssuedToken, secret: str) -> bytes:
    message = pb.IssueTokenResponse(token=token_message(issued.token), secret=secret)
    return message.SerializeToString()


def _retried(job: Job) -> bytes:
    return pb.RetryJobResponse(job=job_message(job)).SerializeToString()


def _discarded(job: Job) -> bytes:
    return pb.DiscardJobResponse(job=job_message(job)).SerializeToString()
