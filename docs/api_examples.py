"""Examples of the reference: the requests that the functional tests send, with shell variables.

What a caller has of his own stands in variables, so that an example runs as it is printed; a test
runs them all.
"""

from collections.abc import Mapping
from dataclasses import fields

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.json_format import MessageToJson

from tests.functional.estate import Estate
from tests.functional.sample_requests import SAMPLES

WATCH_SECONDS = 5

# What the variables stand for; they are named as the fields of Estate are.
VARIABLES: Mapping[str, str] = {
    "merchant": "a merchant's name, merchants/{merchant}",
    "vendor": "the name of a vendor who works for that merchant",
    "store": "a store of the merchant",
    "sync_run": "a sync run of that store",
    "product": "a product",
    "variant": "a variant of that product",
    "hosting": "a hosting of the vendor",
    "order": "an order that a vendor has",
    "waiting": "an order that nobody has yet",
    "submitted": "an allocation that is new to the vendor",
    "accepted": "one that the vendor accepted",
    "packed": "one with a package, of which the merchant wants units back",
    "package": "a package of that one, not yet with the carrier",
    "line": "a line of the allocation $SUBMITTED",
    "token": "the name of a token, not its secret",
    "job": "a job that was set aside",
    "partnership": "an active partnership",
    "suspended": "a suspended one",
    "invitation": "an invitation to the vendor",
    "stranger": "a vendor who was not invited",
    "import_run": "an import run",
    "write_back": "a write-back that failed",
    "claimed_order": "an order that arrived",
    "claimed_line": "a line of that order",
    "drafted": "a case that is a draft",
    "submitted_case": "a case that waits for the vendor",
    "asked": "a case in which the vendor asked something",
    "offered": "a case with an offer",
    "rejected": "a case that was rejected",
    "escalated": "a case that the operator decides",
    "agreed": "a case to be settled by hand",
    "policy": "the after-sales policy of a partnership",
    "upload": "an upload of a photo to $DRAFTED",
    "photo": "a photo of $DRAFTED",
    "proof": "a photo of $SUBMITTED_CASE",
    "new_store_url": "the address of a web store that is not connected",
}


def variables_of(estate: Estate) -> Mapping[str, str]:
    """Give the variables of the examples as they are for an estate."""
    return {name.upper(): getattr(estate, name) for name in VARIABLES}


def example_of(method: MethodDescriptor) -> str:
    """Write a call of a method as a command for a shell."""
    example = Estate(**{field.name: f"${field.name.upper()}" for field in fields(Estate)})
    request = MessageToJson(SAMPLES[method.name](example), preserving_proto_field_name=False)
    path = f"{method.containing_service.full_name}/{method.name}"
    # A watch has no end of its own.
    ending = f" -max-time {WATCH_SECONDS}" if method.name.startswith("Watch") else ""
    command = f'grpcurl -plaintext{ending} -H "authorization: Bearer $FBALI_TOKEN"'
    if request == "{}":
        return f"{command} $FBALI_SERVER {path}"
    return f"{command} -d @ $FBALI_SERVER \\\n  {path} <<END\n{request}\nEND"
