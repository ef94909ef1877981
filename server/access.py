"""Which role may call which method. A method that is not in here cannot be called by anybody."""

from collections.abc import Mapping

from oms.domain.errors import PermissionDenied
from oms.domain.principals import Principal, Role

_EVERYONE = frozenset(Role)
_OPERATOR = frozenset({Role.OPERATOR})
_MERCHANT = frozenset({Role.MERCHANT})
_PARTIES = frozenset({Role.MERCHANT, Role.VENDOR})  # Of a case.
_OPERATOR_AND_VENDOR = frozenset({Role.OPERATOR, Role.VENDOR})
_OPERATOR_AND_MERCHANT = frozenset({Role.OPERATOR, Role.MERCHANT})
_VENDOR = frozenset({Role.VENDOR})

# Service -> who may call its methods, and the methods that differ.
SERVICES: Mapping[str, frozenset[Role]] = {
    "fbali.v1.OrderService": frozenset({Role.MERCHANT}),
    "fbali.v1.HostingService": frozenset({Role.MERCHANT}),
    "fbali.v1.FulfillmentService": frozenset({Role.VENDOR}),
    "fbali.v1.AfterSalesService": _EVERYONE,
    "fbali.v1.AdminService": _OPERATOR,
}
METHODS: Mapping[str, frozenset[Role]] = {
    "fbali.v1.AfterSalesService/CreateUpload": _PARTIES,
    "fbali.v1.AfterSalesService/WriteUploadChunk": _PARTIES,
    "fbali.v1.AfterSalesService/GetUpload": _PARTIES,
    "fbali.v1.AfterSalesService/FinalizeUpload": _PARTIES,
    "fbali.v1.AfterSalesService/AttachPhoto": _MERCHANT,
    "fbali.v1.AfterSalesService/RemovePhoto": _MERCHANT,
    "fbali.v1.AdminService/GetServerInfo": _EVERYONE,
    "fbali.v1.AdminService/IssueToken": _OPERATOR_AND_VENDOR,
    "fbali.v1.AdminService/ListTokens": _OPERATOR_AND_VENDOR,
    "fbali.v1.AdminService/RevokeToken": _OPERATOR_AND_VENDOR,
    "fbali.v1.AfterSalesService/CheckEligibility": _MERCHANT,
    "fbali.v1.AfterSalesService/CreateCase": _MERCHANT,
    "fbali.v1.AfterSalesService/UpdateCase": _MERCHANT,
    "fbali.v1.AfterSalesService/SubmitCase": _MERCHANT,
    "fbali.v1.AfterSalesService/AcceptCase": _VENDOR,
    "fbali.v1.AfterSalesService/RejectCase": _VENDOR,
    "fbali.v1.AfterSalesService/OfferResolution": _VENDOR,
    "fbali.v1.AfterSalesService/AcceptOffer": _MERCHANT,
    "fbali.v1.AfterSalesService/DeclineOffer": _MERCHANT,
    "fbali.v1.AfterSalesService/CounterOffer": _MERCHANT,
    "fbali.v1.AfterSalesService/RequestInfo": _VENDOR,
    "fbali.v1.AfterSalesService/ProvideInfo": _MERCHANT,
    "fbali.v1.AfterSalesService/EscalateCase": _MERCHANT,
    "fbali.v1.AfterSalesService/DecideCase": _OPERATOR,
    "fbali.v1.AfterSalesService/WithdrawCase": _MERCHANT,
    "fbali.v1.AfterSalesService/ResolveCase": _OPERATOR_AND_MERCHANT,
    "fbali.v1.AfterSalesService/SetAfterSalesPolicy": _OPERATOR_AND_VENDOR,
}


def require_access(caller: Principal, service: str, method: str) -> None:
    """Refuse a role that may not call a method, whatever it asks for."""
    allowed = METHODS.get(f"{service}/{method}", SERVICES.get(service, frozenset()))
    if caller.role not in allowed:
        roles = " or ".join(sorted(role.value.lower() for role in allowed)) or "nobody"
        raise PermissionDenied(
            f"{method} is for {roles}; this token is of a {caller.role.value.lower()}",
            role=caller.role.value,
            method=method,
        )
