"""Render fbali_service_config.json: which calls gRPC may repeat by itself, in any language.

Only those that are harmless twice whatever their message holds. A change is harmless twice only
with a request_id, which gRPC cannot see, so clients repeat changes in their own code. There is no
`timeout`: gRPC's C core, and with it Python's, lets calls end before it is over.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from server.app import SERVICES

TARGET = Path(__file__).parent / "fbali" / "v1" / "fbali_service_config.json"

_RETRY_POLICY: Mapping[str, Any] = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def render() -> str:
    """Return the file."""
    config = {
        "methodConfig": [
            {
                "name": list(_repeatable()),
                "waitForReady": False,
                "retryPolicy": _RETRY_POLICY,
            }
        ],
        # A server that fails most of what it is asked is not asked even more.
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }
    return json.dumps(config, indent=2) + "\n"


def _repeatable() -> Iterator[Mapping[str, str]]:
    for service in sorted(SERVICES, key=lambda item: item.full_name):
        for method in service.methods:
            if _is_harmless_twice(method):
                yield {"service": service.full_name, "method": method.name}


def _is_harmless_twice(method: MethodDescriptor) -> bool:
    """Tell whether a method may be repeated without looking into its message.

    A stream of answers is repeated by gRPC only before its first answer. A stream of requests is
    not: gRPC would have to keep all of it.
    """
    if method.client_streaming:
        return False
    level = method.GetOptions().idempotency_level
    is_keyed = "request_id" in method.input_type.fields_by_name
    return level == MethodOptions.NO_SIDE_EFFECTS or (
        level == MethodOptions.IDEMPOTENT and not is_keyed
    )


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
