"""Python client of FbAli OMS; importing it loads nothing else until a name is asked for.

`fbali.aio` holds the same for programs on asyncio.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Tells type checkers what __getattr__ returns; at run time grpc stays unloaded.
    from fbali import aio
    from fbali.calls import CallPolicy
    from fbali.channels import Tls
    from fbali.client import Client
    from fbali.errors import FbaliError
    from fbali.pages import each_item, gather
    from fbali.watch_course import Patience
    from fbali.watching import Watch

__all__ = [
    "CallPolicy",
    "Client",
    "FbaliError",
    "Patience",
    "Tls",
    "Watch",
    "aio",
    "each_item",
    "gather",
]

_HOMES = {
    "CallPolicy": "fbali.calls",
    "Client": "fbali.client",
    "FbaliError": "fbali.errors",
    "Patience": "fbali.watch_course",
    "Tls": "fbali.channels",
    "Watch": "fbali.watching",
    "each_item": "fbali.pages",
    "gather": "fbali.pages",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    from importlib import import_module

    if name == "aio":
        return import_module("fbali.aio")
    if name not in _HOMES:
        raise AttributeError(f"module 'fbali' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
