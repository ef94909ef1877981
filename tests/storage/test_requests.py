"""Request ids: the same call gets the same answer, and is done once."""

import pytest

from oms.domain.errors import InvalidInput, Refused
from oms.domain.principals import Principal, Role
from oms.storage import accounts, requests
from oms.usecases.context import Call, Oms, Transaction, earlier_answer, mutate
from oms.usecases.housekeeping import ANSWERS_KEPT_MS
from oms.usecases.manage_accounts import create_merchant
from tests.services.clock import FakeClock
from tests.services.fake_gateways import FakeMachine, FakeStore, FakeStores
from tests.services.fake_photos import FakeDecoder, FakePhotoStore
from tests.services.scene import OPERATOR, at_once

CALL = Call(OPERATOR, "CreateMerchant", "r1", "hash")


@pytest.fixture
def oms(database):
    stores = FakeStores(FakeStore())
    return Oms(database, FakeClock(), stores, None, FakePhotoStore(), FakeDecoder(), FakeMachine())


def encode(merchant):
    return f"{merchant.id} {merchant.display_name}".encode()


def call_with(oms, call, name="Ada", **options):
    return mutate(oms, call, create_merchant, name, encode, **options)


def merchants(oms):
    with oms.db.session():
        return [merchant.display_name for merchant in accounts.merchants(oms.db, "", 100)]


def kept(oms):
    with oms.db.session():
        return oms.db.all("SELECT request_id, answer FROM request ORDER BY 1")


def test_same_id_again_gets_the_first_answer_and_does_nothing(oms):
    first = call_with(oms, CALL)

    assert call_with(oms, CALL) == first
    assert merchants(oms) == ["Ada"]


def test_same_id_with_another_body_is_refused(oms):
    call_with(oms, CALL)
    before = kept(oms)

    with pytest.raises(InvalidInput) as refusal:
        call_with(oms, Call(OPERATOR, "CreateMerchant", "r1", "other"), "Bob")

    assert refusal.value.word == "REQUEST_ID_REUSED"
    assert (merchants(oms), kept(oms)) == (["Ada"], before)


@pytest.mark.parametrize(
    "other",
    [
        Call(OPERATOR, "CreateMerchant", "r2", "hash"),
        Call(OPERATOR, "CreateVendor", "r1", "hash"),
        Call(Principal(Role.MERCHANT, "m1", "t"), "CreateMerchant", "r1", "hash"),
    ],
)
def test_id_belongs_to_one_method_of_one_caller(oms, other):
    call_with(oms, CALL)

    call_with(oms, other, "Bob")

    assert sorted(merchants(oms)) == ["Ada", "Bob"]


def test_call_without_an_id_is_done_every_time(oms):
    for _ in range(2):
        call_with(oms, Call(OPERATOR, "CreateMerchant"))

    assert merchants(oms) == ["Ada", "Ada"]
    assert kept(oms) == []


def test_empty_answer_is_an_answer(oms):
    for _ in range(2):
        assert mutate(oms, CALL, create_merchant, "Ada", lambda _: b"") == b""

    assert merchants(oms) == ["Ada"]
    assert earlier_answer(oms, CALL) == b""


def test_secret_is_kept_by_nobody(oms):
    first = call_with(oms, CALL, remember=lambda _: b"already shown")

    assert first != b"already shown"
    assert call_with(oms, CALL) == b"already shown"


def test_refused_call_leaves_nothing_and_its_id_is_free(oms):
    def refuse(tx: Transaction, name: str) -> None:
        create_merchant(tx, name)
        raise Refused("not today")

    with pytest.raises(Refused):
        mutate(oms, CALL, refuse, "Ada", lambda _: b"")
    assert (merchants(oms), kept(oms)) == ([], [])

    call_with(oms, CALL, "Bob")
    assert merchants(oms) == ["Bob"]


def test_calls_at_once_with_one_id_get_one_answer(oms):
    answers = at_once(oms.db, 6, lambda _: call_with(oms, CALL))

    [answer] = set(answers)
    assert isinstance(answer, bytes)
    assert merchants(oms) == ["Ada"]


def test_calls_at_once_with_two_bodies_do_one_of_them(oms):
    def work(index):
        return call_with(oms, Call(OPERATOR, "CreateMerchant", "r1", f"hash{index}"), f"M{index}")

    answers = at_once(oms.db, 4, work)

    assert sum(isinstance(answer, bytes) for answer in answers) == 1
    assert sum(isinstance(answer, InvalidInput) for answer in answers) == 3
    assert len(merchants(oms)) == 1


def test_earlier_answer_is_found_only_for_the_same_call(oms):
    assert earlier_answer(oms, CALL) is None
    answer = call_with(oms, CALL)

    assert earlier_answer(oms, CALL) == answer
    assert earlier_answer(oms, Call(OPERATOR, "CreateMerchant")) is None
    with pytest.raises(InvalidInput):
        earlier_answer(oms, Call(OPERATOR, "CreateMerchant", "r1", "other"))


def test_answers_are_forgotten_after_seven_days(oms):
    call_with(oms, CALL)
    oms.clock.advance_ms(ANSWERS_KEPT_MS)
    call_with(oms, Call(OPERATOR, "CreateMerchant", "r2", "hash"))

    with oms.db.transaction():
        assert requests.prune(oms.db, oms.clock.now_ms() - ANSWERS_KEPT_MS + 1, 100) == 1

    assert [row[0] for row in kept(oms)] == ["r2"]
    assert ANSWERS_KEPT_MS == 7 * 24 * 3_600_000
