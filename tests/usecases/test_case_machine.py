"""Merchant, vendors, operator, carrier, store and clock at random against the cases of an order."""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from oms.domain.allocations import AllocationEvent, AllocationState, RejectReason
from oms.domain.cases import OPEN_STATES, CaseAction, CaseRejectReason, CaseState, allowed_actions
from oms.domain.claims import AfterSalesPolicy, IssueType
from oms.domain.costs import CostKind
from oms.domain.errors import FbaliError, IllegalTransition
from oms.domain.jobs import JobKind
from oms.domain.money import Money
from oms.domain.principals import Principal, Role
from oms.domain.settlements import ResolutionMode, Term
from oms.domain.tracking import ExceptionReason, PackageState
from oms.storage import cases, recounting
from oms.storage.database import Database
from oms.storage.resends import RESENT_UNITS
from oms.usecases.answer_allocation import RecordCosts, record_costs
from oms.usecases.draft_cases import (
    CreateCase,
    SubmitCase,
    WantedItem,
    create_case,
    submit_case,
)
from oms.usecases.hold_orders import CancelOrder, cancel_order
from oms.usecases.manage_after_sales_policies import SetPolicy, set_policy
from oms.usecases.move_cases import MoveCase, move_case
from oms.usecases.pack import ReportPackageEvent, report_package_event
from oms.usecases.withdraw_units import AnswerCancellation, answer_cancellation
from tests.services.recycled import empty
from tests.services.scene import OPERATOR, Scene
from tests.services.snapshots import UPDATED_AT, line_snapshot, order_snapshot

A, S, M = CaseAction, CaseState, ResolutionMode
VENDOR = Role.VENDOR
HOUR_MS = 3_600_000
MOVING = [action for action in A if action not in (A.UPDATE, A.RUN_OUT, A.COMPLETE, A.FAIL)]
TALKING = {A.REQUEST_INFO, A.PROVIDE_INFO}
PROPOSING = {A.OFFER, A.COUNTER, A.UPHOLD}
NEWS = [
    (PackageState.IN_TRANSIT, None),
    (PackageState.DELIVERED, None),
    (PackageState.DELIVERED, None),
    (PackageState.EXCEPTION, ExceptionReason.LOST),
    (PackageState.RETURNING, None),
]
# What may be refused although the table allows it.
BOUNDS = {"REFUND_EXCEEDS_PAID", "UNITS_NOT_CLAIMABLE"}

places = st.integers(0, 5)
modes = st.sampled_from([*M, M.RESEND_ALL, M.FULL_REFUND])
amounts = st.integers(1, 700)


def at(place: int, found: list[Any]) -> Any:
    return found[place % len(found)]


class Cases(RuleBasedStateMachine):
    def __init__(self, database: Database) -> None:
        super().__init__()
        self.db = database
        self.numbers = count(1)

    def teardown(self) -> None:
        empty(self.db)

    @initialize(mode=modes, amount=amounts)
    def two_vendors_ship_an_order_that_breaks(self, mode: ResolutionMode, amount: int) -> None:
        self.scene = scene = Scene(self.db)
        self.vendors = {}
        for product, unit_cost in (("mug", 130), ("plate", 210)):
            vendor = scene.new_vendor(product)
            scene.host(vendor, product, unit_cost=unit_cost)
            self.vendors[vendor.id] = vendor
            policy = AfterSalesPolicy(photo_count_min={}, delayed_after_days=0)
            scene.do(set_policy, SetPolicy(scene.merchant.id, vendor.id, policy), OPERATOR)
        self.lines = (
            line_snapshot("l1", "mug", quantity=5),
            line_snapshot("l2", "plate", quantity=3),
        )
        self.order_id = scene.take(order_snapshot("1001", *self.lines)).id
        for vendor in self.vendors.values():
            [part] = scene.allocations(vendor)
            units = part.lines[0]
            self.pack(vendor, part.id, lines=[(units.line_id, 2)])
            self.pack(vendor, part.id)
        self.claim(0, 1, IssueType.LOST, mode, amount, 1)
        self.claim(1, 2, IssueType.DAMAGED, M.RESEND_ALL, amount, 1)
        self.agree(0)
        self.agree(1)

    def pack(self, vendor: Principal, allocation_id: str, **fields: Any) -> None:
        self.scene.pack(
            vendor, allocation_id, f"N-{next(self.numbers)}", handed_over=True, **fields
        )

    # --- What the parties do ------------------------------------------------------------------

    @rule(
        place=places,
        quantity=st.integers(1, 3),
        kind=st.sampled_from([IssueType.DELAYED, IssueType.DAMAGED, IssueType.LOST]),
        mode=modes,
        amount=amounts,
        is_submitted=st.integers(0, 4),
    )
    def claim(self, place, quantity, kind, mode, amount, is_submitted):
        self.scene.clock.advance_ms(1000)
        parcels = "SELECT line_id, package_id FROM package_line ORDER BY package_id DESC"
        line_id, package_id = at(place, self.db.all(parcels))
        term = self.term(0, mode, amount, quantity)
        items = [WantedItem(line_id, package_id, quantity, kind, term)]
        if is_submitted % 2:  # A second item of the same parcel that is settled otherwise.
            refund = self.term(0, M.PARTIAL_REFUND, amount, 1)
            items.append(WantedItem(line_id, package_id, 1, IssueType.OTHER, refund))
        command = CreateCase(self.order_id, "it broke", items)
        made = self.attempt(create_case, command, self.scene.merchant)
        if made and is_submitted:
            name = f"merchants/-/cases/{made[0].id}"
            self.attempt(submit_case, SubmitCase(name), self.scene.merchant)

    @rule(place=places)
    def agree(self, place):
        """Let the vendor agree, so that much is carried out."""
        waiting = [
            case for case in self.all_cases() if A.ACCEPT in allowed_actions(case[1], VENDOR)
        ]
        if waiting:
            case_id = at(place, waiting)[0]
            found = [case[0] for case in self.all_cases()]
            self.move(found.index(case_id), A.ACCEPT, M.FULL_REFUND, 1)

    @rule(place=places, action=st.sampled_from(MOVING), mode=modes, amount=amounts)
    def act(self, place, action, mode, amount):
        self.move(place, action, mode, amount)

    @rule(place=places, choice=places, role=st.sampled_from(Role), mode=modes, amount=amounts)
    def act_as_allowed(self, place, choice, role, mode, amount):
        """Random actions are refused mostly; this one is among the allowed ones."""
        found = self.all_cases()
        state = at(place, found)[1] if found else S.RESOLVED
        allowed = [action for action in allowed_actions(state, role) if action in MOVING]
        if allowed:
            self.move(place, at(choice, allowed), mode, amount)

    def move(self, place, action, mode, amount):
        found = self.all_cases()
        if not found:
            return
        case_id, state, vendor_id = at(place, found)
        with self.db.session():
            case = cases.record(self.db, case_id)
        caller = self.caller_of(action, vendor_id)
        if action == A.SUBMIT:
            self.attempt(submit_case, SubmitCase(case.name), caller, state, action)
            return
        is_proposing = action in PROPOSING
        terms = [self.term(i.number, mode, amount, i.quantity) for i in case.items]
        command = MoveCase(
            name=case.name,
            action=action,
            note="well" if action in TALKING else "",
            terms=terms if is_proposing else (),
            reject_reason=CaseRejectReason.OTHER if action == A.REJECT else None,
        )
        self.attempt(move_case, command, caller, state, action)

    def term(self, number, mode, amount, quantity):
        return Term(
            item=number,
            mode=mode,
            amount=Money("CNY", amount) if mode == M.PARTIAL_REFUND else None,
            quantity=max(1, quantity - 1) if mode == M.RESEND_PARTS else 0,
            note="by hand" if mode == M.OTHER else "",
        )

    def caller_of(self, action, vendor_id):
        if action in (A.UPHOLD, A.DISMISS):
            return OPERATOR
        if action in (A.ACCEPT, A.REJECT, A.OFFER, A.REQUEST_INFO):
            return self.vendors[vendor_id]
        return self.scene.merchant

    def attempt(self, use_case, command, caller, state=None, action=None):
        """Try something: the table decides, and what is refused has changed nothing."""
        self.scene.clock.advance_ms(1000)
        before = self.scene.dump()
        allowed = action is None or action in allowed_actions(state, caller.role)
        try:
            result = self.scene.do(use_case, command, caller)
        except FbaliError as error:
            refusal = error.word
        else:
            assert allowed
            self.scene.run_jobs()
            return result
        assert self.scene.dump() == before
        if allowed:
            assert refusal in BOUNDS
        else:
            # What never was submitted is nobody's but the merchant's, whatever became of it.
            hidden = {"RESOURCE_NOT_FOUND"} if caller.role != Role.MERCHANT else set()
            assert refusal in {IllegalTransition.reason} | hidden
        return None

    # --- What happens around it ---------------------------------------------------------------

    @rule(place=places, news=st.sampled_from(NEWS))
    def carrier_tells(self, place, news):
        found = self.db.all("SELECT id, allocation_id, vendor_id FROM package ORDER BY id")
        package_id, allocation_id, vendor_id = at(place, found)
        state, reason = news
        self.scene.clock.advance_ms(1000)
        command = ReportPackageEvent(allocation_id, package_id, state, reason)
        self.scene.do(report_package_event, command, self.vendors[vendor_id])
        self.scene.run_jobs()

    @rule(place=places, how=st.sampled_from(["pack", "pack", "pack", "close", "agree", "refuse"]))
    def vendor_handles_a_resend(self, place, how):
        found = self.db.all(
            "SELECT id, vendor_id, state FROM allocation WHERE case_id <> ''"
            " AND state IN ('SUBMITTED', 'ACCEPTED', 'CANCELLATION_REQUESTED') ORDER BY id"
        )
        if not found:
            return
        allocation_id, vendor_id, state = at(place, found)
        vendor = self.vendors[vendor_id]
        is_asked = state == AllocationState.CANCELLATION_REQUESTED
        self.scene.clock.advance_ms(1000)
        if how == "pack":
            self.pack(vendor, allocation_id)
        elif how in ("agree", "refuse") and is_asked:
            answer = AnswerCancellation(allocation_id, how == "agree")
            self.scene.do(answer_cancellation, answer, vendor)
        elif state != AllocationState.CANCELLATION_REQUESTED:
            event = (
                AllocationEvent.REJECT
                if state == AllocationState.SUBMITTED
                else AllocationEvent.CLOSE_SHORT
            )
            self.scene.answer(vendor, allocation_id, event, reject_reason=RejectReason.OUT_OF_STOCK)
        self.scene.run_jobs()

    @rule(place=places, hours=st.sampled_from([1, 73, 169]), what=st.integers(0, 3))
    def world_goes_on(self, place, hours, what):
        """Time passes; sometimes costs are recorded, or store or merchant change their mind."""
        if what == 0:
            self.record_more_costs(place)
        elif what == 1 and hours > 1:
            self.change_store(place)
        elif what == 2 and hours == 169:
            self.scene.do(cancel_order, CancelOrder(self.order_id), self.scene.merchant)
        else:
            self.scene.clock.advance_ms(hours * HOUR_MS)
            self.scene.enqueue(JobKind.EXPIRE_CASES)
        self.scene.run_jobs()

    def record_more_costs(self, place):
        found = self.db.all("SELECT id, vendor_id FROM allocation WHERE case_id = '' ORDER BY id")
        allocation_id, vendor_id = at(place, found)
        costs = [(CostKind.SERVICE_FEE, Money("CNY", 2000 + place), "")]
        self.scene.do(record_costs, RecordCosts(allocation_id, costs), self.vendors[vendor_id])

    def change_store(self, wanted):
        seconds = self.scene.clock.now_ms() // 1000 - UPDATED_AT
        mugs = line_snapshot("l1", "mug", quantity=5, removed_quantity=5 - wanted)
        self.scene.apply(order_snapshot("1001", mugs, updated_at=UPDATED_AT + seconds))

    def all_cases(self) -> list[tuple[str, CaseState, str]]:
        rows = self.db.all("SELECT id, state, vendor_id FROM after_sales_case ORDER BY id")
        return [(row[0], CaseState(row[1]), row[2]) for row in rows]

    # --- What always holds --------------------------------------------------------------------

    @invariant()
    def no_unit_is_claimed_twice(self):
        open_states = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
        rows = self.db.all(
            "SELECT i.line_id, i.package_id, SUM(i.quantity), MAX(pl.quantity) FROM case_item i"
            " JOIN after_sales_case c ON c.id = i.case_id JOIN package_line pl"
            " ON pl.package_id = i.package_id AND pl.line_id = i.line_id"
            f" WHERE c.state IN ({open_states}) OR i.is_settled"
            " GROUP BY i.line_id, i.package_id"
        )
        assert [row for row in rows if row[2] > row[3]] == []

    @invariant()
    def no_more_is_given_back_than_was_paid(self):
        rows = self.db.all(
            "SELECT allocation_id, SUM(CASE WHEN source = 'ACTUAL' THEN amount_minor ELSE 0 END),"
            " SUM(CASE WHEN source = 'QUOTED' THEN amount_minor ELSE 0 END),"
            " SUM(CASE WHEN source = 'SETTLEMENT' THEN -amount_minor ELSE 0 END)"
            " FROM cost_entry GROUP BY allocation_id"
        )
        assert [row for row in rows if not 0 <= row[3] <= (row[1] or row[2])] == []
        booked = sum(int(row[3]) for row in rows)
        [noted] = self.db.all("SELECT COALESCE(SUM(amount_minor), 0) FROM case_refund")
        assert booked == int(noted[0])

    @invariant()
    def no_more_is_sent_again_than_was_claimed(self):
        rows = self.db.all(
            f"SELECT i.case_id, i.number, i.quantity, SUM({RESENT_UNITS}), MAX(l.price_minor)"
            " FROM case_item i JOIN case_resend r ON r.case_id = i.case_id"
            " AND r.number = i.number JOIN order_line l ON l.id = r.line_id"
            " GROUP BY i.case_id, i.number, i.quantity"
        )
        assert [row for row in rows if row[3] > row[2] or row[4] != 0] == []

    @invariant()
    def ledger_balances_and_status_is_the_recomputed_one(self):
        before = self.scene.order()
        assert [line.ledger.broken_rules() for line in before.lines] == [()] * len(before.lines)
        with self.db.transaction():
            recounting.refresh(self.db, [self.order_id])
        after = self.scene.order()
        assert (after.status, after.lines) == (before.status, before.lines)

    @invariant()
    def what_is_resolved_is_done(self):
        rows = self.db.all(
            "SELECT c.state, i.is_done, i.agreed_mode, i.is_settled FROM after_sales_case c"
            " JOIN case_item i ON i.case_id = c.id"
        )
        assert [row for row in rows if row[0] == S.RESOLVED and not (row[1] and row[2])] == []
        assert [row for row in rows if row[3] and not row[2]] == []


def test_cases_hold_under_any_sequence(database: Database):
    run_state_machine_as_test(
        lambda: Cases(database),  # type: ignore[arg-type]  # Any factory will do.
        settings=settings(
            max_examples=25 if database.is_sqlite else 10,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
