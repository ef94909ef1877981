"""Every field of every request: what is wrong is refused by name, before anything is done."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from fbali.errors import InvalidInput
from fbali.v1.admin_service_pb2 import IssueTokenRequest
from fbali.v1.hosting_pb2 import Hosting
from fbali.v1.hosting_service_pb2 import BatchCreateHostingsRequest
from fbali.v1.hosting_service_pb2_grpc import HostingServiceStub
from fbali.v1.money_pb2 import Money
from fbali.v1.token_pb2 import ROLE_VENDOR
from tests.functional.home import Home
from tests.functional.sample_requests import SAMPLES
from tests.services.stack import METHODS, dump

TRAILER_BYTES_MAX = 8 * 1024  # Clients refuse more.
FAR_FUTURE = 2**62

Fields = Iterator[tuple[str, Message, Any]]


def fields_of(message: Message, prefix: str = "") -> Fields:
    """Walk all fields with their paths, also those of the messages inside that are set."""
    for field in message.DESCRIPTOR.fields:
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            yield f"{prefix}{field.name}", message, field
            continue
        value = getattr(message, field.name)
        if field.is_repeated:
            for index, item in enumerate(value):
                yield from fields_of(item, f"{prefix}{field.name}[{index}].")
        elif message.HasField(field.name):
            yield from fields_of(value, f"{prefix}{field.name}.")


def spoil(message: Any, field: FieldDescriptor, wrong: Callable[[Any], Any]) -> str:
    """Put something wrong into a field; return what is behind its path."""
    if not field.is_repeated:
        setattr(message, field.name, wrong(getattr(message, field.name)))
        return ""
    values = getattr(message, field.name)
    first = values[0] if values else ("" if field.type == FieldDescriptor.TYPE_STRING else 0)
    del values[:]
    values.append(wrong(first))
    return "[0]"


def spoil_all(request: Message, kind: int, wrong: Callable[[Any], Any]) -> set[str]:
    """Spoil every field of a type; return their paths."""
    return {
        path + spoil(message, field, wrong)
        for path, message, field in list(fields_of(request))
        if field.type == kind and "create_time" not in path
    }


def refused_fields(home: Home, method: str, request: Message) -> set[str]:
    """Call, expect to be refused, and return the fields that are named."""
    with pytest.raises(InvalidInput) as refused:
        home.caller_of(method).call(request)
    assert refused.value.reason == "INVALID_FIELD"
    assert all(violation.description for violation in refused.value.violations)
    return {violation.field for violation in refused.value.violations}


def check_all(home: Home, spoil_request: Callable[[Message], set[str]]) -> int:
    """Spoil a request of every method; each is refused with the wrong fields, and changes nothing.

    Return how many methods have such fields at all.
    """
    before = dump(home.stack.db)
    expected, found = {}, {}
    for method in METHODS:
        request = home.sample(method)
        spoiled = spoil_request(request)
        if spoiled:
            expected[method] = spoiled
            found[method] = refused_fields(home, method, request)
    assert found == expected
    assert dump(home.stack.db) == before
    return len(found)


def test_nul_in_any_text_is_refused_by_name(home: Home):
    def spoil_texts(request: Message) -> set[str]:
        return spoil_all(request, FieldDescriptor.TYPE_STRING, lambda text: f"{text}\0")

    assert check_all(home, spoil_texts) >= 46


def test_unknown_enum_number_is_refused_by_name(home: Home):
    def spoil_enums(request: Message) -> set[str]:
        return spoil_all(request, FieldDescriptor.TYPE_ENUM, lambda _number: 999)

    assert check_all(home, spoil_enums) >= 12


def test_text_without_end_is_refused_by_name(home: Home):
    ignored = {
        f"{prefix}{name}"
        for prefix in ("hosting.", "hostings[0].")
        for name in ("name", "vendor_display_name", "product_title")
    }

    def spoil_texts(request: Message) -> set[str]:
        spoiled = spoil_all(request, FieldDescriptor.TYPE_STRING, lambda _text: "x" * 20_000)
        return spoiled - ignored

    assert check_all(home, spoil_texts) >= 46


@pytest.mark.parametrize("ending", ["\n", " ", "/", "/x/y", "é", "%00"])
def test_name_with_something_behind_it_is_refused(home: Home, ending: str):
    names = {"name", "parent", "store", "product", "vendor", "merchant", "variant", "line"}

    def spoil_names(request: Message) -> set[str]:
        return {
            path + spoil(message, field, lambda name: name + ending)
            for path, message, field in list(fields_of(request))
            if field.name in names and getattr(message, field.name)
        }

    assert check_all(home, spoil_names) >= 39


def test_negative_number_is_refused_by_name(home: Home):
    def spoil_numbers(request: Message) -> set[str]:
        spoiled = spoil_all(request, FieldDescriptor.TYPE_INT32, lambda _number: -1)
        return {path.removesuffix(".nanos") for path in spoiled}  # An instant is judged as a whole.

    assert check_all(home, spoil_numbers) >= 18


def test_request_without_anything_names_what_is_required(home: Home):
    def clear(request: Message) -> set[str]:
        request.Clear()
        return {"name", "parent"} & set(request.DESCRIPTOR.fields_by_name)

    found = {}
    before = dump(home.stack.db)
    for method in METHODS:
        request = home.sample(method)
        if required := clear(request):
            found[method] = required <= refused_fields(home, method, request)

    assert found == dict.fromkeys(found, True)
    assert len(found) >= 39
    assert dump(home.stack.db) == before


def test_page_size_beyond_the_maximum_is_cut_not_refused(home: Home):
    lists = [name for name in SAMPLES if "page_size" in METHODS[name][1].input_type.fields_by_name]

    codes = {
        name: home.caller_of(name).code(home.sample(name, page_size=2**31 - 1)) for name in lists
    }

    assert len(lists) >= 13
    assert codes == dict.fromkeys(lists, "OK")


@pytest.mark.parametrize(
    ("method", "field"),
    [
        ("IssueToken", "expire_time"),
        ("ReportPackageEvent", "occur_time"),
        ("ListOrders", "placed_after_time"),
        ("ListOrders", "placed_before_time"),
    ],
)
@pytest.mark.parametrize(
    ("seconds", "nanos"), [(FAR_FUTURE, 0), (-FAR_FUTURE, 0), (4_000_000_000, 2_000_000_000)]
)
def test_instant_outside_of_time_is_refused_by_name(
    home: Home, method: str, field: str, seconds: int, nanos: int
):
    request = home.sample(method)
    instant = getattr(request, field)
    instant.seconds, instant.nanos = seconds, nanos

    assert refused_fields(home, method, request) == {field}


@pytest.mark.parametrize(
    ("method", "path", "wrong"),
    [
        ("CreateHosting", "hosting.unit_cost.currency_code", "XQZ"),
        ("CreateHosting", "hosting.unit_cost.amount_minor", -1),
        ("CreateHosting", "hosting.shipping_cost.currency_code", "EUR"),
        ("UpdateHosting", "hosting.unit_cost.amount_minor", -1),
        ("BatchCreateHostings", "hostings[1].unit_cost.currency_code", "XQZ"),
        ("BatchCreateHostings", "hostings[1].unit_cost.amount_minor", -1),
        ("RecordCosts", "costs[0].amount.currency_code", "XQZ"),
        ("RecordCosts", "costs[0].amount.amount_minor", -1),
        ("CreatePackage", "tracking_number", "   "),
        ("ConnectStore", "base_url", "ftp://shop.example"),
        ("ConnectStore", "base_url", "http://shop.example"),
        ("ConnectStore", "consumer_key", ""),
        ("ConnectStore", "consumer_secret", "a:b"),
        ("IssueToken", "principal", ""),
    ],
)
def test_wrong_value_is_refused_by_its_own_name(home: Home, method: str, path: str, wrong: Any):
    request: Any = home.sample(method)
    if method == "BatchCreateHostings":
        request.hostings.append(request.hostings[0])
    *parents, name = path.split(".")
    target = request
    for parent in parents:
        field, _, index = parent.rstrip("]").partition("[")
        target = getattr(target, field)[int(index)] if index else getattr(target, field)
    setattr(target, name, wrong)
    if "shipping_cost" in path:
        target.amount_minor = 5

    before = dump(home.stack.db)

    assert refused_fields(home, method, request) == {path}
    assert dump(home.stack.db) == before


@pytest.mark.parametrize(
    ("given", "missing"),
    [({"consumer_key": "ck_x"}, "consumer_secret"), ({"consumer_secret": "cs_x"}, "consumer_key")],
)
def test_half_a_key_is_refused_by_the_other_half(home: Home, given: dict[str, str], missing: str):
    request = home.sample("UpdateStore", **given)
    before = dump(home.stack.db)

    assert refused_fields(home, "UpdateStore", request) == {missing}
    assert dump(home.stack.db) == before


def test_store_without_any_key_is_refused_by_both_halves(home: Home):
    request: Any = home.sample("ConnectStore")
    request.consumer_key = request.consumer_secret = ""

    assert refused_fields(home, "ConnectStore", request) == {"consumer_key", "consumer_secret"}


def test_line_that_is_named_twice_is_refused(home: Home):
    request: Any = home.sample("CreatePackage")
    request.lines.append(request.lines[0])

    assert refused_fields(home, "CreatePackage", request) == {"lines"}


def test_role_and_principal_must_fit(home: Home):
    request = IssueTokenRequest(
        role=ROLE_VENDOR, principal=home.merchant.name, display_name="scanner"
    )
    before = dump(home.stack.db)

    assert home.operator.code(request) in ("INVALID_ARGUMENT", "NOT_FOUND")
    assert dump(home.stack.db) == before


def test_answer_to_five_hundred_wrong_entries_fits_into_the_trailers(home: Home):
    wrong = Hosting(
        product="wrong" * 100,
        variant="wrong" * 100,
        vendor="wrong" * 100,
        region_codes=["wrong" * 100],
        vendor_sku="é" * 1000,
        priority=-1,
        unit_cost=Money(currency_code="wrong" * 100),
    )
    request = BatchCreateHostingsRequest(parent=home.estate.merchant, hostings=[wrong] * 500)
    metadata = (("authorization", f"Bearer {home.merchant.secret}"),)

    with (
        grpc.insecure_channel(f"127.0.0.1:{home.stack.api.port}") as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        HostingServiceStub(channel).BatchCreateHostings(request, metadata=metadata)

    call: Any = refused.value
    sizes = [len(key) + 4 * len(value) / 3 for key, value in call.trailing_metadata()]
    assert call.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert sum(sizes) + 3 * len(call.details().encode()) < TRAILER_BYTES_MAX
