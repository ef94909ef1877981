"""The methods of OrderService about what stores are told of parcels."""

from fbali.v1 import order_service_pb2 as pb
from fbali.v1.write_back_pb2 import WriteBackState as WriteBackStateNumber
from oms.domain.write_backs import WriteBackState
from oms.usecases import queries
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.queries import WriteBackFilter
from oms.usecases.write_back import RetryWriteBack, retry_write_back
from server import names
from server.conversion.basics import enum_or_none, word
from server.conversion.write_backs import STATE_PREFIX, write_back_message
from server.paging import cut_page, page_size, start_key


class WriteBackMethods:
    """List write-backs and try them again."""

    _oms: Oms

    def ListWriteBacks(
        self, request: pb.ListWriteBacksRequest, call: Call
    ) -> pb.ListWriteBacksResponse:
        """List write-backs, newest first."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        [before] = start_key(request, call.caller) or [""]
        state = word(WriteBackStateNumber, STATE_PREFIX, request.state)
        wanted = WriteBackFilter(
            merchant_id, enum_or_none(WriteBackState, state), names.last_id(request.order)
        )
        found = queries.list_write_backs(self._oms, wanted, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.id])
        return pb.ListWriteBacksResponse(
            write_backs=[write_back_message(item) for item in page], next_page_token=token
        )

    def RetryWriteBack(self, request: pb.RetryWriteBackRequest, call: Call) -> bytes:
        """Try a failed write-back again."""
        _, write_back_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            retry_write_back,
            RetryWriteBack(write_back_id),
            lambda found: pb.RetryWriteBackResponse(
                write_back=write_back_message(found)
            ).SerializeToString(),
        )
