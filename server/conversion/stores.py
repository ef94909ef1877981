"""Stores, sync runs and quarantined orders."""

from fbali.v1.order_pb2 import QuarantinedOrder as QuarantinedOrderMessage
from fbali.v1.store_pb2 import Processing as ProcessingNumber
from fbali.v1.store_pb2 import Store as StoreMessage
from fbali.v1.store_pb2 import StorePlatform as StorePlatformNumber
from fbali.v1.store_pb2 import StoreState as StoreStateNumber
from fbali.v1.store_pb2 import SyncProblem as SyncProblemMessage
from fbali.v1.store_pb2 import SyncRun as SyncRunMessage
from fbali.v1.store_pb2 import SyncRunState as SyncRunStateNumber
from fbali.v1.store_pb2 import WriteBackMode as WriteBackModeNumber
from oms.domain.stores import QuarantinedOrder, Store, SyncRun
from server import names
from server.conversion.basics import instant, number

PLATFORM_PREFIX = "STORE_PLATFORM_"
STATE_PREFIX = "STORE_STATE_"
PROCESSING_PREFIX = "PROCESSING_"
MODE_PREFIX = "WRITE_BACK_MODE_"
RUN_STATE_PREFIX = "SYNC_RUN_STATE_"


def store_message(store: Store) -> StoreMessage:
    """Convert a store."""
    return StoreMessage(
        name=names.store(store.merchant_id, store.id),
        display_name=store.display_name,
        platform=number(StorePlatformNumber, PLATFORM_PREFIX, store.platform.upper()),
        base_url=store.base_url,
        state=number(StoreStateNumber, STATE_PREFIX, store.state),
        processing=number(ProcessingNumber, PROCESSING_PREFIX, store.processing),
        sync_interval_seconds=store.sync_interval_seconds,
        synced_until_time=instant(store.synced_until_at),
        latest_sync_run=names.sync_run(store.merchant_id, store.id, store.latest_sync_run_id),
        etag=str(store.version),
        create_time=instant(store.created_at),
        write_back_mode=number(WriteBackModeNumber, MODE_PREFIX, store.write_back_mode),
    )


def sync_run_message(run: SyncRun) -> SyncRunMessage:
    """Convert a sync run."""
    message = SyncRunMessage(
        name=names.sync_run(run.merchant_id, run.store_id, run.id),
        state=number(SyncRunStateNumber, RUN_STATE_PREFIX, run.state),
        product_count=run.product_count,
        order_count=run.order_count,
        order_count_expected=run.order_count_expected,
        created_count=run.created_count,
        changed_count=run.changed_count,
        unchanged_count=run.unchanged_count,
        quarantined_count=run.quarantined_count,
        failure_count=run.failure_count,
        next_attempt_time=instant(run.next_attempt_at),
        create_time=instant(run.created_at),
        start_time=instant(run.started_at),
        finish_time=instant(run.finished_at),
    )
    if run.problem_reason:
        message.problem.CopyFrom(
            problem_message(run.problem_reason, run.problem_message, run.problem_at)
        )
    return message


def problem_message(reason: str, message: str, at_ms: int | None) -> SyncProblemMessage:
    """Convert what is wrong with a store."""
    return SyncProblemMessage(reason=reason, message=message, occur_time=instant(at_ms))


def quarantined_order_message(order: QuarantinedOrder) -> QuarantinedOrderMessage:
    """Convert a quarantined order."""
    return QuarantinedOrderMessage(
        name=f"merchants/{order.merchant_id}/quarantinedOrders/{order.id}",
        store=names.store(order.merchant_id, order.store_id),
        external_id=order.external_id,
        problem=order.problem,
        create_time=instant(order.created_at),
        update_time=instant(order.updated_at),
    )
