"""An order of two vendors on its way to the customer, and what the parties do about a problem."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1.after_sales_policy_pb2 import ISSUE_TYPE_DAMAGED
from fbali.v1.case_pb2 import RESOLUTION_MODE_FULL_REFUND, ResolutionTerm
from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest, ReportPackageEventRequest
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import GetOrderRequest
from fbali.v1.package_pb2 import PACKAGE_STATE_DELIVERED
from oms.domain.jobs import JobKind
from oms.storage import jobs
from tests.functional import goods
from tests.functional.estate import allocations_of, connect, host, orders_of, products_of
from tests.services.stack import Caller, Stack

UNIT_COST_MINOR = 420 + 250  # What `host` quotes for a unit, and for shipping it.


def usd(amount_minor: int) -> Money:
    return Money(currency_code="USD", amount_minor=amount_minor)


def term(item: int, mode: int, amount: int = 0, **fields: Any) -> ResolutionTerm:
    given = {"amount": usd(amount)} if amount else {}
    return ResolutionTerm(item=item, mode=mode, **given, **fields)  # type: ignore[arg-type]


@dataclass
class Claimed:
    """Order 1001: 4 lamps of vendor A and 3 mats of vendor B, each in a parcel of its own."""

    stack: Stack
    order: str
    parcels: dict[str, str] = field(default_factory=dict)  # By title.
    lines: dict[str, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    @property
    def merchant(self) -> Caller:
        return self.stack.merchant

    def read_order(self) -> Any:
        return self.merchant.call(GetOrderRequest(name=self.order)).order

    def line(self, name: str) -> Any:
        return next(line for line in self.read_order().lines if line.name == name)

    def report(self, vendor: Caller, parcel: str, state: int, **fields: Any) -> None:
        """Let a vendor report where a parcel is, and do the work that follows."""
        self.stack.clock.advance(2)
        vendor.call(ReportPackageEventRequest(name=parcel, state=state, **fields))  # type: ignore[arg-type]
        self.stack.work()

    def draft(
        self,
        title: str = "Lamp",
        quantity: int = 1,
        *,
        kind: int = ISSUE_TYPE_DAMAGED,
        mode: int = RESOLUTION_MODE_FULL_REFUND,
        photos: int = 1,
        **item: Any,
    ) -> Any:
        """Draft a case about units of one line; photos are counted as if they had been added."""
        wanted = pb.NewCaseItem(
            line=self.lines[title],
            quantity=quantity,
            type=kind,  # type: ignore[arg-type]
            mode=mode,  # type: ignore[arg-type]
            **item,
        )
        [case] = self.create([wanted])
        self.add_photos(case.name, photos)
        return case

    def create(self, items: Sequence[pb.NewCaseItem]) -> Any:
        request = pb.CreateCaseRequest(order=self.order, description="It broke", items=items)
        return self.merchant.call(request).cases

    def submit(self, *wanted: Any, **fields: Any) -> Any:
        """Draft and submit a case about units of one line."""
        name = self.draft(*wanted, **fields).name
        return self.merchant.call(pb.SubmitCaseRequest(name=name)).case

    def add_photos(self, case: str, number: int) -> None:
        case_id = case.rpartition("/")[2]
        with self.stack.db.transaction():
            self.stack.db.run(
                "UPDATE after_sales_case SET photo_count = photo_count + ? WHERE id = ?",
                number,
                case_id,
            )

    def read(self, case: Any, caller: Caller | None = None) -> Any:
        return (caller or self.merchant).call(pb.GetCaseRequest(name=case.name)).case

    def pack_resend(self, vendor: Caller, case: Any) -> str:
        """Pack and hand over what a case sends again; return the parcel."""
        [allocation] = self.read(case).replacement_allocations
        parcel = vendor.call(
            CreatePackageRequest(
                parent=allocation,
                tracking_number=f"AGAIN-{next(self._numbers)}-{vendor.id[-4:]}",
                handed_over=True,
            )
        ).package
        return str(parcel.name)

    def let_time_pass(self, hours: float) -> None:
        """Let time pass, and the deadlines with it."""
        self.stack.clock.advance(hours * 3600)
        with self.stack.db.transaction():
            jobs.enqueue(self.stack.db, JobKind.EXPIRE_CASES, self.stack.clock.now_ms())
        self.stack.work()


def ship(stack: Stack, *, delivered: bool = True) -> Claimed:
    """Sync order 1001, host its products, pack both parts, and let the parcels arrive."""
    now = stack.clock.now_seconds()
    wanted = goods.order(1001, {goods.LAMP: 4, goods.MAT_M: 3}, now=now)
    stack.shop.store.load(goods.products(now), [wanted])
    connect(stack, stack.merchant)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"])
    host(stack.merchant, stack.vendor_b, products["Mat"])
    stack.work()
    [order] = orders_of(stack.merchant)
    claimed = Claimed(stack, order.name)
    for vendor, title in ((stack.vendor_a, "Lamp"), (stack.vendor_b, "Mat")):
        [part] = allocations_of(vendor)
        parcel = vendor.call(
            CreatePackageRequest(
                parent=part.name, tracking_number=f"QUIET-{vendor.id[-6:]}", handed_over=True
            )
        ).package
        claimed.parcels[title] = parcel.name
        claimed.lines[title] = part.lines[0].line
        if delivered:
            claimed.report(vendor, parcel.name, PACKAGE_STATE_DELIVERED)
    return claimed
