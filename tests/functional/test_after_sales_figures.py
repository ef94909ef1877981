"""What settling a case does to margins, reports and what the store is told."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1.case_pb2 import CASE_STATE_RESOLVED, RESOLUTION_MODE_RESEND_ALL
from fbali.v1.order_service_pb2 import GetSalesReportRequest, ListWriteBacksRequest
from fbali.v1.package_pb2 import PACKAGE_STATE_DELIVERED
from fbali.v1.sales_report_pb2 import REPORT_GROUPING_VENDOR
from tests.functional.claimed import UNIT_COST_MINOR, Claimed, ship, usd
from tests.services.stack import Stack


@pytest.fixture
def claimed(stack: Stack) -> Claimed:
    return ship(stack)


def report(claimed: Claimed) -> Any:
    now = claimed.stack.clock.now_seconds()
    return claimed.merchant.call(
        GetSalesReportRequest(
            parent=claimed.merchant.name,
            placed_from_time=Timestamp(seconds=now - 30 * 86_400),
            placed_before_time=Timestamp(seconds=now + 86_400),
            currency_code="USD",
            grouping=REPORT_GROUPING_VENDOR,
        )
    )


def told(claimed: Claimed) -> set[str]:
    request = ListWriteBacksRequest(parent=claimed.merchant.name)
    return {one.package for one in claimed.merchant.call(request).write_backs}


def test_refund_is_in_the_margin_and_a_resend_is_not_sold_again(claimed: Claimed):
    vendor, lamps = claimed.stack.vendor_a, claimed.lines["Lamp"]
    order, line, figures, told_before = (
        claimed.read_order(),
        claimed.line(lamps),
        report(claimed),
        told(claimed),
    )

    refunded = claimed.submit("Lamp", 1)
    vendor.call(pb.AcceptCaseRequest(name=refunded.name))
    resent = claimed.submit("Lamp", 2, mode=RESOLUTION_MODE_RESEND_ALL)
    vendor.call(pb.AcceptCaseRequest(name=resent.name))
    parcel = claimed.pack_resend(vendor, resent)
    claimed.report(vendor, parcel, PACKAGE_STATE_DELIVERED)

    assert claimed.read(resent).state == CASE_STATE_RESOLVED
    after, new = claimed.read_order(), report(claimed)
    assert after.margin.amount_minor == order.margin.amount_minor + UNIT_COST_MINOR
    lamp = claimed.line(lamps)
    assert lamp.margin.amount_minor == line.margin.amount_minor + UNIT_COST_MINOR
    assert figures.total.vendor_refunds == usd(0)
    assert new.total.vendor_refunds == usd(-UNIT_COST_MINOR)
    assert new.total.margin.amount_minor == figures.total.margin.amount_minor + UNIT_COST_MINOR
    assert [(row.key, row.unit_count, row.sales) for row in new.rows] == [
        (row.key, row.unit_count, row.sales) for row in figures.rows
    ]
    [row] = [row for row in new.rows if row.key == vendor.name]
    assert row.vendor_refunds == usd(-UNIT_COST_MINOR)
    assert told(claimed) == told_before
    assert parcel not in told_before
