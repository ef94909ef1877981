"""Programs of other languages, made from the contract alone, complete an order together."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from app.demo.damaged import draw_damage
from fbali.v1.case_pb2 import CASE_STATE_RESOLVED
from fbali.v1.order_pb2 import SHIPPING_STATUS_DELIVERED, Order
from fbali.v1.package_pb2 import PACKAGE_STATE_DELIVERED
from tests.examples.conftest import Run
from tests.examples.programs import Program
from tests.examples.trade import WAIT_SECONDS_MAX, Trade
from tests.services.pictures import photo_of_size
from tests.services.stack import wait_for

PHOTO_BYTES = 1_300_000  # Three chunks.
NOTICE_SECONDS = 5.0

# In `make test` all three work together; each language by itself says less, and costs as much.
CASTS = [
    pytest.param(["go", "java"], "typescript", id="go-java-typescript"),
    pytest.param(["go", "go"], "", id="go", marks=pytest.mark.long),
    pytest.param(["java", "java"], "", id="java", marks=pytest.mark.long),
]


class Cast:
    """The programs that run, and the photos that they send."""

    def __init__(self, trade: Trade, run: Run, languages: Sequence[str], merchant: str) -> None:
        folder = trade.scene.folder
        self.merchant_photo, self.vendor_photo = folder / "damage.png", folder / "packed.jpg"
        self.merchant_photo.write_bytes(draw_damage())
        self.vendor_photo.write_bytes(photo_of_size(PHOTO_BYTES))
        self.vendors = [
            run(
                language,
                f"vendor-{number}",
                SERVER=trade.server.address,
                TOKEN=account.token,
                PHOTO_FILE=str(self.vendor_photo),
                LABEL_PREFIX=f"SMOOTH-{language.upper()}-",
                CASE_SECONDS="1",
            )
            for number, (language, account) in enumerate(
                zip(languages, trade.vendor_accounts, strict=True)
            )
        ]
        self.merchants = [
            run(
                language,
                "merchant",
                SERVER=trade.server.address,
                TOKEN=trade.merchant_account.token,
                PHOTO_FILE=str(self.merchant_photo),
                CASE_SECONDS="1",
            )
            for language in [merchant]
            if language
        ]

    @property
    def programs(self) -> list[Program]:
        return self.vendors + self.merchants

    def wait_for(self, found: Callable[[], bool]) -> None:
        """Wait, but not for programs that have ended."""

        def look() -> bool:
            for program in self.programs:
                program.check()
            return found()

        wait_for(look, seconds=WAIT_SECONDS_MAX)

    def give_time_to_notice(self) -> None:
        """Wait for words of an outage; whoever is amid a call waits with it and says nothing."""
        until = time.monotonic() + NOTICE_SECONDS
        while time.monotonic() < until:
            if all(program.done("reconnecting") for program in self.programs):
                return
            time.sleep(0.1)

    def count(self, did: str) -> int:
        return sum(len(program.done(did)) for program in self.programs)


@pytest.mark.timeout(600)  # Building may be a part of it.
@pytest.mark.parametrize(("vendors", "merchant"), CASTS)
def test_order_of_two_vendors_is_completed_though_everything_is_killed(
    vendors: list[str], merchant: str, run: Run
):
    with Trade(["First", "Second"], is_placed_by_hand=bool(merchant)) as trade:
        cast = Cast(trade, run, vendors, merchant)
        cast.wait_for(lambda: all(program.done("watching") for program in cast.programs))
        trade.buy()

        cast.wait_for(lambda: cast.count("accepted") > 0)
        trade.cut_power()
        cast.vendors[0].kill()
        trade.restore_power()
        cast.vendors[0].start()

        cast.wait_for(lambda: has_parcels(trade))
        trade.cut_power()
        for program in [cast.vendors[1], *cast.merchants]:
            program.kill()
            program.start()
        cast.give_time_to_notice()
        trade.restore_power()

        cast.wait_for(lambda: is_delivered(trade))
        if not merchant:
            trade.complain(trade.orders()[0].name, cast.merchant_photo)
        cast.wait_for(lambda: [case.state for case in trade.cases()] == [CASE_STATE_RESOLVED] * 2)

        codes = [program.stop() for program in cast.programs]
        assert codes == [0] * len(cast.programs)
        assert [program.lines()[-1] for program in cast.programs] == [{"did": "stopped"}] * len(
            cast.programs
        )
        assert cast.count("gave_up") + cast.count("passed_over") == 0
        [listed] = trade.orders()
        assert_fulfilled_once(trade, listed)
        assert_settled(trade)


def has_parcels(trade: Trade) -> bool:
    parts = [part for order in trade.orders() for part in trade.order(order.name).allocations]
    return len(parts) == 2 and all(part.packages for part in parts)


def is_delivered(trade: Trade) -> bool:
    return [order.shipping_status for order in trade.orders()] == [SHIPPING_STATUS_DELIVERED]


def assert_fulfilled_once(trade: Trade, listed: Order) -> None:
    """Each vendor accepted its part once and sent all of it in one parcel, which has arrived."""
    order = trade.order(listed.name)
    assert order.shipping_status == SHIPPING_STATUS_DELIVERED
    assert [line.delivered_quantity for line in order.lines] == [1, 2]
    parts = order.allocations
    assert {part.vendor_display_name for part in parts} == {"First", "Second"}
    assert [[parcel.state for parcel in part.packages] for part in parts] == [
        [PACKAGE_STATE_DELIVERED]
    ] * 2
    happened = Counter((event.kind, event.subject) for event in order.history)
    for part in parts:
        assert happened["allocation.accepted", part.name] == 1
        assert happened["package.announced", part.name] == 1
    kinds = Counter(event.kind for event in order.history)
    assert (kinds["allocation.accepted"], kinds["package.announced"]) == (2, 2)


def assert_settled(trade: Trade) -> None:
    """Each vendor has one case, to which both sides sent their photo once."""
    cases = trade.cases()
    assert {case.vendor for case in cases} == {account.name for account in trade.vendor_accounts}
    for case in cases:
        assert trade.uploaders(case.name) == [trade.merchant_account.name, case.vendor]
