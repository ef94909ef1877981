"""Examples of the reference: the requests that the functional tests send, with speaking names."""

from dataclasses import fields

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.json_format import MessageToJson

from tests.functional.estate import Estate
from tests.functional.sample_requests import SAMPLES

_MERCHANT = "merchants/m0lamps"
_VENDOR = "vendors/v0hangzhou"

# What stands in the examples for what the caller has; in the test of the examples, what is there.
_NAMES = {
    "merchant": _MERCHANT,
    "vendor": _VENDOR,
    "store": f"{_MERCHANT}/stores/s0berlin",
    "sync_run": f"{_MERCHANT}/stores/s0berlin/syncRuns/r0morning",
    "product": f"{_MERCHANT}/products/p0mat",
    "variant": f"{_MERCHANT}/products/p0mat/variants/x0large",
    "hosting": f"{_MERCHANT}/hostings/h0mat",
    "order": f"{_MERCHANT}/orders/o0first",
    "waiting": f"{_MERCHANT}/orders/o0waiting",
    "submitted": f"{_VENDOR}/allocations/a0new",
    "accepted": f"{_VENDOR}/allocations/a0accepted",
    "packed": f"{_VENDOR}/allocations/a0packed",
    "package": f"{_VENDOR}/allocations/a0packed/packages/k0parcel",
    "line": f"{_MERCHANT}/orders/o0first/lines/l0lamp",
    "token": "tokens/t0scanner",
    "job": "jobs/j0stuck",
    "partnership": f"{_MERCHANT}/partnerships/v0hangzhou",
    "suspended": f"{_MERCHANT}/partnerships/v0slow",
    "invitation": f"{_VENDOR}/partnerships/m0invites",
    "stranger": "vendors/v0stranger",
    "import_run": f"{_MERCHANT}/importRuns/backlog",
    "write_back": f"{_MERCHANT}/writeBacks/b0parcel",
    "claimed_order": f"{_MERCHANT}/orders/o0shipped",
    "claimed_line": f"{_MERCHANT}/orders/o0shipped/lines/l0mug",
    "drafted": f"{_MERCHANT}/cases/k0draft",
    "submitted_case": f"{_MERCHANT}/cases/k0new",
    "asked": f"{_MERCHANT}/cases/k0asked",
    "offered": f"{_MERCHANT}/cases/k0offered",
    "rejected": f"{_MERCHANT}/cases/k0rejected",
    "escalated": f"{_MERCHANT}/cases/k0escalated",
    "agreed": f"{_MERCHANT}/cases/k0agreed",
    "policy": f"{_MERCHANT}/partnerships/v0hangzhou/afterSalesPolicy",
    "upload": f"{_MERCHANT}/cases/k0draft/uploads/x0mug",
    "photo": f"{_MERCHANT}/cases/k0draft/photos/f0mug",
    "proof": f"{_MERCHANT}/cases/k0new/photos/f0mug",
    "new_store_url": "https://shop.example",
}


def example_estate() -> Estate:
    """Build the estate that the examples speak of."""
    return Estate(**{field.name: _NAMES[field.name] for field in fields(Estate)})


def example_of(method: MethodDescriptor) -> str:
    """Write a request of a method as JSON."""
    request = SAMPLES[method.name](example_estate())
    return MessageToJson(request, preserving_proto_field_name=False)
