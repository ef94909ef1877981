"""The methods of HostingService that are about stores."""

from fbali.v1 import hosting_service_pb2 as pb
from fbali.v1.store_pb2 import Processing as ProcessingNumber
from fbali.v1.store_pb2 import Store as StoreMessage
from fbali.v1.store_pb2 import StorePlatform as StorePlatformNumber
from fbali.v1.store_pb2 import WriteBackMode as WriteBackModeNumber
from oms.domain.stores import Processing, WriteBackMode
from oms.usecases import queries
from oms.usecases.context import Call, Oms, earlier_answer, mutate
from oms.usecases.manage_stores import (
    ConnectStore,
    DisconnectStore,
    UpdateStore,
    connect_store,
    disconnect_store,
    identify_store,
    probe_store,
    update_store,
)
from server import names
from server.conversion.basics import enum_or_none, word
from server.conversion.stores import (
    MODE_PREFIX,
    PLATFORM_PREFIX,
    PROCESSING_PREFIX,
    problem_message,
    store_message,
)
from server.paging import cut_page, page_size, start_key


class StoreMethods:
    """Connect, test, change, list and disconnect stores."""

    _oms: Oms

    def ConnectStore(self, request: pb.ConnectStoreRequest, call: Call) -> bytes:
        """Connect a store and start its first sync."""
        names.own_ids(request.parent, call.caller)
        answered = earlier_answer(self._oms, call)
        if answered is not None:
            return answered
        command = ConnectStore(
            platform=word(StorePlatformNumber, PLATFORM_PREFIX, request.platform).lower(),
            base_url=request.base_url,
            credentials=_credentials(request),
            display_name=request.display_name,
            processing=_processing(request) or Processing.AUTOMATIC,
            sync_interval_seconds=request.sync_interval_seconds,
            write_back_mode=_write_back_mode(request),
        )
        identified = identify_store(self._oms, command)
        return mutate(
            self._oms,
            call,
            connect_store,
            identified,
            lambda store: pb.ConnectStoreResponse(store=store_message(store)).SerializeToString(),
        )

    def TestStore(self, request: pb.TestStoreRequest, call: Call) -> pb.TestStoreResponse:
        """Ask a store whether its address and key work."""
        merchant_id, store_id = names.own_ids(request.name, call.caller)
        test = probe_store(self._oms, merchant_id, store_id)
        if test.identity is not None:
            return pb.TestStoreResponse(works=True, store_title=test.identity.title)
        assert test.problem is not None
        now_ms = self._oms.clock.now_ms()
        return pb.TestStoreResponse(
            problem=problem_message(test.problem.word, test.problem.message, now_ms)
        )

    def GetStore(self, request: pb.GetStoreRequest, call: Call) -> pb.GetStoreResponse:
        """Show a store."""
        merchant_id, store_id = names.own_ids(request.name, call.caller)
        return pb.GetStoreResponse(store=self._store(merchant_id, store_id))

    def _store(self, merchant_id: str, store_id: str) -> StoreMessage:
        return store_message(queries.get_store(self._oms, merchant_id, store_id))

    def ListStores(self, request: pb.ListStoresRequest, call: Call) -> pb.ListStoresResponse:
        """List stores, oldest first."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        [after] = start_key(request, call.caller) or [""]
        found = queries.list_stores(self._oms, merchant_id, after, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda store: [store.id])
        return pb.ListStoresResponse(
            stores=[store_message(store) for store in page], next_page_token=token
        )

    def UpdateStore(self, request: pb.UpdateStoreRequest, call: Call) -> bytes:
        """Change a store; empty fields keep what is there."""
        _, store_id = names.own_ids(request.name, call.caller)
        command = UpdateStore(
            store_id=store_id,
            display_name=request.display_name,
            credentials=_credentials(request) if _has_credentials(request) else {},
            processing=_processing(request),
            sync_interval_seconds=request.sync_interval_seconds,
            write_back_mode=_write_back_mode(request),
            etag=request.etag,
        )
        return mutate(
            self._oms,
            call,
            update_store,
            command,
            lambda store: pb.UpdateStoreResponse(store=store_message(store)).SerializeToString(),
        )

    def DisconnectStore(self, request: pb.DisconnectStoreRequest, call: Call) -> bytes:
        """Stop syncing a store and forget its credentials."""
        _, store_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            disconnect_store,
            DisconnectStore(store_id, request.etag),
            lambda store: pb.DisconnectStoreResponse(
                store=store_message(store)
            ).SerializeToString(),
        )


def _credentials(request: pb.ConnectStoreRequest | pb.UpdateStoreRequest) -> dict[str, str]:
    return {
        "consumer_key": request.consumer_key,
        "consumer_secret": request.consumer_secret,
    }


def _has_credentials(request: pb.UpdateStoreRequest) -> bool:
    return bool(request.consumer_key or request.consumer_secret)


def _processing(request: pb.ConnectStoreRequest | pb.UpdateStoreRequest) -> Processing | None:
    return enum_or_none(Processing, word(ProcessingNumber, PROCESSING_PREFIX, request.processing))


def _write_back_mode(
    request: pb.ConnectStoreRequest | pb.UpdateStoreRequest,
) -> WriteBackMode | None:
    mode = word(WriteBackModeNumber, MODE_PREFIX, request.write_back_mode)
    return enum_or_none(WriteBackMode, mode)
