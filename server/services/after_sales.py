"""AfterSalesService."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1.case_pb2 import CaseRejectReason as CaseRejectReasonNumber
from fbali.v1.case_pb2 import CaseState as CaseStateNumber
from oms.domain.case_views import CaseView
from oms.domain.cases import CaseAction, CaseRejectReason, CaseState
from oms.domain.errors import NotFound
from oms.domain.principals import Role
from oms.usecases import queries
from oms.usecases.check_claims import check_eligibility
from oms.usecases.context import Call, UseCase, mutate
from oms.usecases.draft_cases import (
    CreateCase,
    SubmitCase,
    UpdateCase,
    create_case,
    submit_case,
    update_case,
)
from oms.usecases.manage_after_sales_policies import SetPolicy, set_policy
from oms.usecases.move_cases import AddMessage, MoveCase, add_message, move_case
from oms.usecases.queries import CaseFilter
from server import names
from server.conversion.basics import enum_or_none, number, word
from server.conversion.cases import (
    REJECT_PREFIX,
    STATE_PREFIX,
    case_message,
    case_states,
    eligibility_messages,
    policy,
    stored_policy_message,
    terms,
    wanted_items,
)
from server.paging import cut_page, page_size, start_key
from server.services.photos import PhotoMethods


class AfterSalesService(PhotoMethods):
    """Cases, from the question whether there may be one to the end."""

    def CheckEligibility(
        self, request: pb.CheckEligibilityRequest, call: Call
    ) -> pb.CheckEligibilityResponse:
        """Say of every unit of an order whether it can be claimed."""
        merchant_id, order_id = names.own_ids(request.order, call.caller)
        found = check_eligibility(self._oms, merchant_id, order_id)
        return pb.CheckEligibilityResponse(units=eligibility_messages(merchant_id, found))

    def CreateCase(self, request: pb.CreateCaseRequest, call: Call) -> bytes:
        """Draft a case per vendor of the items."""
        _, order_id = names.own_ids(request.order, call.caller)
        return mutate(
            self._oms,
            call,
            create_case,
            CreateCase(order_id, request.description, wanted_items(request.items)),
            lambda made: pb.CreateCaseResponse(
                cases=[case_message(item, call.caller) for item in made]
            ).SerializeToString(),
        )

    def UpdateCase(self, request: pb.UpdateCaseRequest, call: Call) -> bytes:
        """Change a draft."""
        command = UpdateCase(
            name=_case_name(request.name, call),
            description=request.description,
            items=wanted_items(request.items),
            etag=request.etag,
        )
        return self._change(call, update_case, command, pb.UpdateCaseResponse)

    def SubmitCase(self, request: pb.SubmitCaseRequest, call: Call) -> bytes:
        """Submit a draft to the vendor."""
        command = SubmitCase(_case_name(request.name, call), request.etag)
        return self._change(call, submit_case, command, pb.SubmitCaseResponse)

    def GetCase(self, request: pb.GetCaseRequest, call: Call) -> pb.GetCaseResponse:
        """Show a case with what was said and proposed."""
        found = queries.get_case(self._oms, call.caller, _case_name(request.name, call))
        return pb.GetCaseResponse(case=case_message(found, call.caller))

    def ListCases(self, request: pb.ListCasesRequest, call: Call) -> pb.ListCasesResponse:
        """List the caller's cases, newest first."""
        states = case_states(request)
        if states is None:
            return pb.ListCasesResponse()
        wanted = CaseFilter(
            states=states,
            merchant_id=_filtered_merchant(request.merchant, call),
            vendor_id=names.last_id(request.vendor),
            order_id=names.last_id(request.order),
            is_overdue=request.overdue_only,
        )
        [before] = start_key(request, call.caller) or [""]
        found = queries.list_cases(self._oms, call.caller, wanted, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.id])
        return pb.ListCasesResponse(
            cases=[case_message(item, call.caller) for item in page], next_page_token=token
        )

    def CountCases(self, request: pb.CountCasesRequest, call: Call) -> pb.CountCasesResponse:
        """Count the caller's cases per state."""
        merchant_id = _filtered_merchant(request.merchant, call)
        counts, overdue = queries.count_cases(self._oms, call.caller, merchant_id)
        return pb.CountCasesResponse(
            counts=[
                pb.CaseCount(
                    state=number(CaseStateNumber, STATE_PREFIX, state), case_count=counts[state]
                )
                for state in CaseState
                if state in counts
            ],
            overdue_count=overdue,
        )

    def AddMessage(self, request: pb.AddMessageRequest, call: Call) -> bytes:
        """Say something in a case."""
        command = AddMessage(_case_name(request.name, call), request.text)
        return self._change(call, add_message, command, pb.AddMessageResponse)

    def AcceptCase(self, request: pb.AcceptCaseRequest, call: Call) -> bytes:
        """Agree to what the merchant last asked for."""
        return self._move(request, call, CaseAction.ACCEPT, pb.AcceptCaseResponse)

    def RejectCase(self, request: pb.RejectCaseRequest, call: Call) -> bytes:
        """Refuse a case."""
        return self._move(request, call, CaseAction.REJECT, pb.RejectCaseResponse)

    def OfferResolution(self, request: pb.OfferResolutionRequest, call: Call) -> bytes:
        """Offer to settle a case otherwise than was asked."""
        return self._move(request, call, CaseAction.OFFER, pb.OfferResolutionResponse)

    def AcceptOffer(self, request: pb.AcceptOfferRequest, call: Call) -> bytes:
        """Agree to what the vendor last offered."""
        return self._move(request, call, CaseAction.ACCEPT_OFFER, pb.AcceptOfferResponse)

    def DeclineOffer(self, request: pb.DeclineOfferRequest, call: Call) -> bytes:
        """Decline an offer."""
        return self._move(request, call, CaseAction.DECLINE_OFFER, pb.DeclineOfferResponse)

    def CounterOffer(self, request: pb.CounterOfferRequest, call: Call) -> bytes:
        """Answer an offer with another proposal."""
        return self._move(request, call, CaseAction.COUNTER, pb.CounterOfferResponse)

    def RequestInfo(self, request: pb.RequestInfoRequest, call: Call) -> bytes:
        """Ask the merchant something."""
        return self._move(request, call, CaseAction.REQUEST_INFO, pb.RequestInfoResponse)

    def ProvideInfo(self, request: pb.ProvideInfoRequest, call: Call) -> bytes:
        """Answer the vendor's question."""
        return self._move(request, call, CaseAction.PROVIDE_INFO, pb.ProvideInfoResponse)

    def EscalateCase(self, request: pb.EscalateCaseRequest, call: Call) -> bytes:
        """Let the operator decide."""
        return self._move(request, call, CaseAction.ESCALATE, pb.EscalateCaseResponse)

    def DecideCase(self, request: pb.DecideCaseRequest, call: Call) -> bytes:
        """Decide an escalated case."""
        action = CaseAction.UPHOLD if request.upheld else CaseAction.DISMISS
        return self._move(request, call, action, pb.DecideCaseResponse)

    def WithdrawCase(self, request: pb.WithdrawCaseRequest, call: Call) -> bytes:
        """Take a case back."""
        return self._move(request, call, CaseAction.WITHDRAW, pb.WithdrawCaseResponse)

    def ResolveCase(self, request: pb.ResolveCaseRequest, call: Call) -> bytes:
        """Confirm that all that was agreed has happened."""
        return self._move(request, call, CaseAction.RESOLVE, pb.ResolveCaseResponse)

    def GetAfterSalesPolicy(
        self, request: pb.GetAfterSalesPolicyRequest, call: Call
    ) -> pb.GetAfterSalesPolicyResponse:
        """Show the policy of a partnership."""
        ids = _partnership_ids(request.name, call)
        found = queries.get_after_sales_policy(self._oms, call.caller, *ids)
        return pb.GetAfterSalesPolicyResponse(policy=stored_policy_message(found))

    def SetAfterSalesPolicy(self, request: pb.SetAfterSalesPolicyRequest, call: Call) -> bytes:
        """Set the policy of a partnership."""
        ids = _partnership_ids(request.name, call)
        return mutate(
            self._oms,
            call,
            set_policy,
            SetPolicy(*ids, policy(request.policy), request.policy.etag),
            lambda stored: pb.SetAfterSalesPolicyResponse(
                policy=stored_policy_message(stored)
            ).SerializeToString(),
        )

    def _move(
        self, request: Any, call: Call, action: CaseAction, response: Callable[..., Message]
    ) -> bytes:
        reason = word(CaseRejectReasonNumber, REJECT_PREFIX, getattr(request, "reject_reason", 0))
        command = MoveCase(
            name=_case_name(request.name, call),
            action=action,
            note=getattr(request, "note", "") or getattr(request, "text", ""),
            terms=terms(getattr(request, "terms", ())),
            reject_reason=enum_or_none(CaseRejectReason, reason),
            etag=request.etag,
        )
        return self._change(call, move_case, command, response)

    def _change(
        self,
        call: Call,
        use_case: UseCase[Any, CaseView],
        command: object,
        response: Callable[..., Message],
    ) -> bytes:
        return mutate(
            self._oms,
            call,
            use_case,
            command,
            lambda view: response(case=case_message(view, call.caller)).SerializeToString(),
        )


def _case_name(name: str, call: Call) -> str:
    """Return a case's name as it is looked up; a merchant names its own alone."""
    if call.caller.role == Role.MERCHANT:
        merchant_id, case_id = names.own_ids(name, call.caller)
        return names.case(merchant_id, case_id)
    return name


def _filtered_merchant(name: str, call: Call) -> str:
    """Return the merchant whose cases are wanted, empty for all that the caller sees."""
    wanted = names.last_id(name)
    if wanted == "-":
        return call.caller.id if call.caller.role == Role.MERCHANT else ""
    return wanted


def _partnership_ids(name: str, call: Call) -> tuple[str, str]:
    """Return merchant and vendor of a policy's name; `-` is the caller's own side."""
    _, merchant_id, _, vendor_id, _ = name.split("/")
    if merchant_id == "-" and call.caller.role == Role.MERCHANT:
        merchant_id = call.caller.id
    if vendor_id == "-" and call.caller.role == Role.VENDOR:
        vendor_id = call.caller.id
    if "-" in (merchant_id, vendor_id):
        raise NotFound.of(name)
    return merchant_id, vendor_id
