"""Who may call what: every method, every kind of caller, own and foreign names."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1 import hosting_service_pb2 as hosting
from fbali.v1 import order_service_pb2 as orders
from fbali.v1.admin_service_pb2 import IssueTokenRequest, ListTokensRequest, RevokeTokenRequest
from fbali.v1.token_pb2 import ROLE_MERCHANT, ROLE_OPERATOR, ROLE_VENDOR
from oms.domain.principals import Role
from tests.functional.estate import Estate
from tests.functional.sample_requests import SAMPLES, reading_methods, sample_hosting
from tests.services.stack import METHODS, Caller, Stack, dump

# What the contract's comments say. A method that is not in here is for its service's role alone.
SERVICE_ROLES = {
    "OrderService": {Role.MERCHANT},
    "HostingService": {Role.MERCHANT},
    "FulfillmentService": {Role.VENDOR},
    "AdminService": {Role.OPERATOR},
}
METHOD_ROLES = {
    "GetServerInfo": set(Role),
    "IssueToken": {Role.OPERATOR, Role.VENDOR},
    "ListTokens": {Role.OPERATOR, Role.VENDOR},
    "RevokeToken": {Role.OPERATOR, Role.VENDOR},
}
NAMELESS = {"GetServerInfo", "ListTokens"}  # Their requests name nobody.
# Filters may name what is not there: they select nothing.
FILTERED = {
    *("ListOrders", "CountOrders", "ExportOrders", "ListProducts", "ListHostings"),
    *("ListAllocations", "GetSalesReport", "GetVendorScorecard"),
}
ANSWERED_PER_ORDER = {"HoldOrders", "ReleaseOrders", "PreviewPlacement", "BatchCreatePackages"}
OPEN_TO_ANY_VENDOR = {"InviteVendor"}


def roles_of(method: str) -> set[Role]:
    return METHOD_ROLES.get(method, SERVICE_ROLES[METHODS[method][0]])


def callers_of(stack: Stack) -> dict[Role, Caller]:
    return {
        Role.OPERATOR: stack.operator,
        Role.MERCHANT: stack.merchant,
        Role.VENDOR: stack.vendor_a,
    }


def codes_of(calls: Iterable[tuple[str, Caller, Message]]) -> dict[str, str]:
    return {f"{title} {caller.role}": caller.code(request) for title, caller, request in calls}


def test_every_method_has_a_sample():
    assert set(SAMPLES) == set(METHODS)


def test_call_without_a_valid_token_is_unauthenticated(stack: Stack, estate: Estate):
    revoked = stack.new_caller(Role.OPERATOR)
    stack.operator.call(RevokeTokenRequest(name=revoked.token_name))
    callers = {
        "none": stack.caller(None),
        "garbage": stack.caller(None, secret="garbage"),
        "long": stack.caller(None, secret="fba_" + "x" * 4000),
        "revoked": revoked,
        "expired merchant": stack.expired_caller(Role.MERCHANT, stack.merchant.id),
        "expired vendor": stack.expired_caller(Role.VENDOR, stack.vendor_a.id),
        "expired operator": stack.expired_caller(Role.OPERATOR, ""),
    }
    before = dump(stack.db)

    codes = {
        f"{method} {kind}": caller.code(sample(estate))
        for method, sample in SAMPLES.items()
        for kind, caller in callers.items()
    }

    assert codes == dict.fromkeys(codes, "UNAUTHENTICATED")
    assert dump(stack.db) == before


def test_role_that_may_not_call_is_denied(stack: Stack, estate: Estate):
    before = dump(stack.db)

    codes = codes_of(
        (method, caller, sample(estate))
        for method, sample in SAMPLES.items()
        for role, caller in callers_of(stack).items()
        if role not in roles_of(method)
    )

    assert len(codes) == 2 * len(METHODS) - 2 - 3
    assert codes == dict.fromkeys(codes, "PERMISSION_DENIED")
    assert dump(stack.db) == before


def test_role_is_judged_before_the_request_is(stack: Stack):
    request = orders.GetOrderRequest(name="not a name")

    assert stack.vendor_a.code(request) == "PERMISSION_DENIED"
    assert stack.merchant.code(request) == "INVALID_ARGUMENT"


def test_owner_may_read(stack: Stack, estate: Estate):
    before = dump(stack.db)

    codes = codes_of(
        (method, callers_of(stack)[role], sample(estate))
        for method, sample in SAMPLES.items()
        for role in roles_of(method)
        if method in reading_methods()
    )

    assert codes == dict.fromkeys(codes, "OK")
    assert dump(stack.db) == before


def test_what_is_not_yours_does_not_exist(stack: Stack, estate: Estate, foreign_estate: Estate):
    before = dump(stack.db)

    codes = codes_of(
        (method, caller, sample(foreign_estate))
        for method, sample in SAMPLES.items()
        for role, caller in callers_of(stack).items()
        if role in roles_of(method) - {Role.OPERATOR} and method not in NAMELESS
    )

    assert len(codes) == len(METHODS) - len(METHOD_ROLES) - 7 + 2
    assert codes == dict.fromkeys(codes, "NOT_FOUND")
    assert dump(stack.db) == before


def test_foreign_resource_under_an_own_name_does_not_exist(
    stack: Stack, estate: Estate, foreign_estate: Estate
):
    claimed = foreign_estate.claimed_by(estate)
    before = dump(stack.db)

    codes = codes_of(
        (method, caller, sample(claimed))
        for method, sample in SAMPLES.items()
        for role, caller in callers_of(stack).items()
        if role in roles_of(method) - {Role.OPERATOR}
        and method not in NAMELESS | FILTERED | OPEN_TO_ANY_VENDOR | ANSWERED_PER_ORDER
        and sample(claimed) != sample(estate)
    )

    assert {title.partition(" ")[0] for title in codes} >= {
        *("GetOrder", "SyncOrders", "GetSyncRun", "UpdateStore", "UpdateHosting", "GetAllocation"),
        *("VoidPackage", "CreatePackage", "CreateHosting", "ExplainHosting", "RevokeToken"),
        *("ListSyncRuns", "TestStore", "AcceptPartnership", "ResumePartnership"),
    }
    assert codes == dict.fromkeys(codes, "NOT_FOUND")
    assert dump(stack.db) == before


def test_foreign_orders_among_many_are_answered_as_not_found(
    stack: Stack, estate: Estate, foreign_estate: Estate
):
    claimed = foreign_estate.claimed_by(estate)
    before = dump(stack.db, without=["request"])

    reasons = {}
    for method in sorted(ANSWERED_PER_ORDER):
        [role] = roles_of(method)
        answer: Any = callers_of(stack)[role].call(SAMPLES[method](claimed))
        [result] = getattr(answer, "results", None) or answer.placements
        reasons[method] = result.refusal_reason

    assert reasons == dict.fromkeys(reasons, "RESOURCE_NOT_FOUND")
    assert dump(stack.db, without=["request"]) == before


def test_foreign_filter_selects_nothing(stack: Stack, estate: Estate, foreign_estate: Estate):
    claimed = foreign_estate.claimed_by(estate)
    filtered = [
        (stack.merchant, orders.ListOrdersRequest(parent=estate.merchant, store=claimed.store)),
        (
            stack.merchant,
            orders.ListOrdersRequest(parent=estate.merchant, store=foreign_estate.store),
        ),
        (
            stack.merchant,
            orders.ListOrdersRequest(parent=estate.merchant, vendor=foreign_estate.vendor),
        ),
        (
            stack.merchant,
            hosting.ListProductsRequest(parent=estate.merchant, store=foreign_estate.store),
        ),
        (
            stack.merchant,
            hosting.ListHostingsRequest(parent=estate.merchant, product=claimed.product),
        ),
        (
            stack.vendor_a,
            fulfillment.ListAllocationsRequest(
                parent=estate.vendor, merchant=foreign_estate.merchant
            ),
        ),
    ]

    answers = [caller.call(request) for caller, request in filtered]

    assert [answer.ByteSize() for answer in answers] == [0] * len(filtered)
    counted = orders.CountOrdersRequest(parent=estate.merchant, store=foreign_estate.store)
    assert {tag.order_count for tag in stack.merchant.call(counted).counts} == {0}


def test_hosting_of_an_own_product_with_foreign_parts_is_refused(
    stack: Stack, estate: Estate, foreign_estate: Estate
):
    foreign_variant = sample_hosting(estate)
    foreign_variant.variant = f"{estate.product}/variants/{foreign_estate.variant.split('/')[-1]}"
    foreign_vendor = sample_hosting(estate)
    foreign_vendor.vendor = foreign_estate.vendor
    before = dump(stack.db)

    codes = [
        stack.merchant.code(hosting.CreateHostingRequest(parent=estate.merchant, hosting=wrong))
        for wrong in (foreign_variant, foreign_vendor)
    ]

    assert codes == ["NOT_FOUND", "FAILED_PRECONDITION"]
    assert dump(stack.db) == before


def test_dash_stands_for_the_caller(stack: Stack, estate: Estate, foreign_estate: Estate):
    own = stack.merchant.call(orders.ListOrdersRequest(parent="merchants/-"))
    parts = stack.vendor_a.call(fulfillment.ListAllocationsRequest(parent="vendors/-"))

    assert own == stack.merchant.call(orders.ListOrdersRequest(parent=estate.merchant))
    assert parts == stack.vendor_a.call(fulfillment.ListAllocationsRequest(parent=estate.vendor))
    foreign = foreign_estate.order.replace(foreign_estate.merchant, "merchants/-")
    assert stack.merchant.code(orders.GetOrderRequest(name=foreign)) == "NOT_FOUND"


def test_vendor_mints_tokens_for_itself_alone(stack: Stack):
    wanted = {
        (ROLE_VENDOR, stack.vendor_a.name): "OK",
        (ROLE_VENDOR, stack.vendor_b.name): "NOT_FOUND",
        (ROLE_MERCHANT, stack.merchant.name): "PERMISSION_DENIED",
        (ROLE_MERCHANT, stack.vendor_a.name): "PERMISSION_DENIED",
        (ROLE_OPERATOR, ""): "PERMISSION_DENIED",
        (ROLE_VENDOR, ""): "INVALID_ARGUMENT",
    }

    codes = {
        (role, principal): stack.vendor_a.code(
            IssueTokenRequest(role=role, principal=principal, display_name="scanner")
        )
        for role, principal in wanted
    }

    assert codes == wanted


def test_vendor_sees_and_revokes_its_own_tokens_alone(stack: Stack):
    shown = stack.vendor_a.call(ListTokensRequest()).tokens

    assert [token.name for token in shown] == [stack.vendor_a.token_name]
    revoke = RevokeTokenRequest(name=stack.operator.token_name)
    assert stack.vendor_a.code(revoke) == "NOT_FOUND"
    assert stack.operator.code(ListTokensRequest()) == "OK"


def test_revoked_token_stops_at_once(stack: Stack):
    request = RevokeTokenRequest(name=stack.vendor_a.token_name)

    assert [stack.vendor_a.code(request) for _ in range(2)] == ["OK", "UNAUTHENTICATED"]
