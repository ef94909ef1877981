"""Write-backs."""

from fbali.v1.write_back_pb2 import WriteBack as WriteBackMessage
from fbali.v1.write_back_pb2 import WriteBackMethod as WriteBackMethodNumber
from fbali.v1.write_back_pb2 import WriteBackState as WriteBackStateNumber
from oms.domain.write_backs import WriteBack
from server import names
from server.conversion.basics import instant, number

STATE_PREFIX = "WRITE_BACK_STATE_"
METHOD_PREFIX = "WRITE_BACK_METHOD_"


def write_back_message(found: WriteBack) -> WriteBackMessage:
    """Convert a write-back."""
    return WriteBackMessage(
        name=names.write_back(found.merchant_id, found.id),
        order=names.order(found.merchant_id, found.order_id),
        order_number=found.order_number,
        store=names.store(found.merchant_id, found.store_id),
        package=names.package(found.vendor_id, found.allocation_id, found.package_id),
        tracking_number=found.tracking_number,
        state=number(WriteBackStateNumber, STATE_PREFIX, found.state),
        method=number(WriteBackMethodNumber, METHOD_PREFIX, found.method),
        failure_count=found.failure_count,
        problem_message=found.problem_message,
        problem_reason=found.problem_reason,
        external_id=found.external_id,
        create_time=instant(found.created_at),
        next_attempt_time=instant(found.next_attempt_at),
        finish_time=instant(found.finished_at),
        outdated=found.is_outdated,
    )
