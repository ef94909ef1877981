"""The methods of HostingService that are about vendors."""

from google.protobuf.message import Message

from fbali.v1 import hosting_service_pb2 as pb
from oms.domain.accounts import Partnership
from oms.domain.partnerships import PartnershipEvent
from oms.usecases import queries
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.manage_accounts import (
    InviteVendor,
    MovePartnership,
    invite_vendor,
    move_partnership,
)
from server import names
from server.conversion.accounts import partnership_message
from server.paging import cut_page, page_size, start_key


class VendorMethods:
    """Invite, list, suspend and resume vendors."""

    _oms: Oms

    def InviteVendor(self, request: pb.InviteVendorRequest, call: Call) -> bytes:
        """Invite a vendor to work for the merchant."""
        names.own_ids(request.parent, call.caller)
        command = InviteVendor(
            vendor_id=names.last_id(request.vendor),
            acceptance_required=request.acceptance_required,
            acceptance_hours=request.acceptance_hours,
        )
        return mutate(
            self._oms,
            call,
            invite_vendor,
            command,
            lambda made: _encode(pb.InviteVendorResponse, made),
        )

    def ListPartnerships(
        self, request: pb.ListPartnershipsRequest, call: Call
    ) -> pb.ListPartnershipsResponse:
        """List the merchant's vendors."""
        names.own_ids(request.parent, call.caller)
        [after] = start_key(request, call.caller) or [""]
        found = queries.list_partnerships(self._oms, call.caller, after, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.vendor_id])
        return pb.ListPartnershipsResponse(
            partnerships=[partnership_message(item) for item in page], next_page_token=token
        )

    def SuspendPartnership(self, request: pb.SuspendPartnershipRequest, call: Call) -> bytes:
        """Stop new allocations to a vendor."""
        return self._move(request, call, PartnershipEvent.SUSPEND, pb.SuspendPartnershipResponse)

    def ResumePartnership(self, request: pb.ResumePartnershipRequest, call: Call) -> bytes:
        """End a suspension."""
        return self._move(request, call, PartnershipEvent.RESUME, pb.ResumePartnershipResponse)

    def _move(
        self,
        request: pb.SuspendPartnershipRequest | pb.ResumePartnershipRequest,
        call: Call,
        event: PartnershipEvent,
        response: type[Message],
    ) -> bytes:
        merchant_id, vendor_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            move_partnership,
            MovePartnership(merchant_id, vendor_id, event, request.etag),
            lambda found: _encode(response, found),
        )


def _encode(response: type[Message], found: Partnership) -> bytes:
    return response(partnership=partnership_message(found)).SerializeToString()
