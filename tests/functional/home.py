"""A merchant and a vendor in a running product that others use as well."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from oms.domain.principals import Role
from tests.functional.estate import Estate
from tests.functional.sample_requests import SAMPLES
from tests.services.stack import METHODS, Caller, Stack

ROLES = {
    "OrderService": Role.MERCHANT,
    "HostingService": Role.MERCHANT,
    "FulfillmentService": Role.VENDOR,
    "AfterSalesService": Role.MERCHANT,
    "AdminService": Role.OPERATOR,
}
METHOD_ROLES = {
    "AcceptCase": Role.VENDOR,
    "RejectCase": Role.VENDOR,
    "OfferResolution": Role.VENDOR,
    "RequestInfo": Role.VENDOR,
    "SetAfterSalesPolicy": Role.VENDOR,
    "DecideCase": Role.OPERATOR,
}


@dataclass(frozen=True)
class Home:
    """The product, the names of what is owned here, and the callers by role."""

    stack: Stack
    estate: Estate
    callers: Mapping[Role, Caller]

    @property
    def merchant(self) -> Caller:
        return self.callers[Role.MERCHANT]

    @property
    def vendor(self) -> Caller:
        return self.callers[Role.VENDOR]

    @property
    def operator(self) -> Caller:
        return self.callers[Role.OPERATOR]

    def caller_of(self, method: str) -> Caller:
        """Tell who calls a method as a rule."""
        return self.callers[METHOD_ROLES.get(method, ROLES[METHODS[method][0]])]

    def sample(self, method: str, **fields: object) -> Message:
        """Make a request that succeeds here, with some fields set otherwise."""
        request = SAMPLES[method](self.estate)
        request.MergeFrom(type(request)(**fields))
        return request
