"""A request_id makes a call happen once, however often and from wherever it is repeated."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from fbali.errors import InvalidInput
from fbali.v1.admin_service_pb2 import GetServerInfoRequest, IssueTokenRequest, ListTokensRequest
from fbali.v1.token_pb2 import ROLE_VENDOR
from tests.functional.home import Home
from tests.functional.sample_requests import mutating_methods
from tests.services.stack import dump

THREADS = 8

each_mutation = pytest.mark.parametrize("method", mutating_methods())


def new_id() -> str:
    return str(uuid.uuid4())


@each_mutation
def test_repeated_call_gets_the_same_answer_and_has_one_effect(home: Home, method: str):
    caller, request = home.caller_of(method), home.sample(method, request_id=new_id())
    before = dump(home.stack.db)
    first = caller.call(request)
    once = dump(home.stack.db)

    second = caller.call(request)

    assert once != before
    assert dump(home.stack.db) == once
    assert shown_again(second) == shown_again(first)


def shown_again(answer: Any) -> bytes:
    """Encode an answer without the secret, which is the one thing that is not repeated."""
    if "secret" in answer.DESCRIPTOR.fields_by_name:
        answer.ClearField("secret")
    encoded: bytes = answer.SerializeToString(deterministic=True)
    return encoded


@each_mutation
def test_concurrent_repeats_have_one_effect(home: Home, method: str):
    caller, request = home.caller_of(method), home.sample(method, request_id=new_id())
    everybody = Barrier(THREADS)

    def call(_number: int) -> Any:
        everybody.wait()
        return caller.call(request)

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(call, range(THREADS)))

    once = dump(home.stack.db)
    kept = [row for row in once["request"] if request.request_id in row]  # type: ignore[attr-defined]
    assert len(kept) == 1
    assert len({shown_again(answer) for answer in answers}) == 1
    caller.call(request)
    assert dump(home.stack.db) == once


@each_mutation
def test_request_id_of_another_body_is_refused(home: Home, method: str):
    caller, request = home.caller_of(method), home.sample(method, request_id=new_id())
    caller.call(request)
    before = dump(home.stack.db)

    with pytest.raises(InvalidInput) as refused:
        caller.call(another_body(request))

    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert [violation.field for violation in refused.value.violations] == ["request_id"]
    assert dump(home.stack.db) == before


def another_body(request: Any) -> Any:
    """Ask for something else: another text, or the same thing by another name."""
    other: Any = type(request)()
    other.CopyFrom(request)
    fields = request.DESCRIPTOR.fields_by_name
    for text in ("display_name", "description"):
        if text in fields:
            setattr(other, text, "something else")
            return other
    if "policy" in fields:
        other.policy.answer_hours += 1
        return other
    field = "name" if "name" in fields else "parent"
    collection, _, rest = getattr(request, field).partition("/")
    rest = "-/" + rest.partition("/")[2] if collection in ("merchants", "vendors") else "elsewhere"
    setattr(other, field, f"{collection}/{rest.removesuffix('/')}")
    return other


def test_request_id_belongs_to_its_caller_and_its_method(home: Home):
    shared = new_id()
    vendor = home.stack.vendor("Another vendor")

    codes = [
        home.operator.code(home.sample("CreateMerchant", request_id=shared)),
        home.operator.code(home.sample("CreateVendor", request_id=shared)),
        home.merchant.code(home.sample("SyncOrders", request_id=shared)),
        vendor.code(own_token(vendor.name, shared)),
        home.vendor.code(own_token(home.vendor.name, shared)),
    ]

    assert codes == ["OK"] * 5


def own_token(vendor: str, request_id: str) -> IssueTokenRequest:
    return IssueTokenRequest(
        role=ROLE_VENDOR, principal=vendor, display_name="scanner", request_id=request_id
    )


def test_refused_call_does_not_use_its_request_id_up(home: Home):
    request_id = new_id()
    wrong = home.sample("CreatePackage", request_id=request_id)
    wrong.lines[0].quantity = 1_000  # type: ignore[attr-defined]

    codes = [
        home.vendor.code(wrong),
        home.vendor.code(home.sample("CreatePackage", request_id=request_id)),
    ]

    assert codes == ["FAILED_PRECONDITION", "OK"]


def test_secret_of_a_token_is_shown_once(home: Home):
    request = own_token(home.vendor.name, new_id())

    first, second = home.vendor.call(request), home.vendor.call(request)

    assert first.token == second.token
    assert second.secret == "already shown"
    assert home.stack.caller(None, secret=first.secret).code(GetServerInfoRequest()) == "OK"
    assert first.secret not in repr(dump(home.stack.db))
    assert first.secret not in str(home.vendor.call(ListTokensRequest()))
