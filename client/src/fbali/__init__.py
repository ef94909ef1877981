"""Python client of FbAli OMS; importing it loads nothing else until a name is asked for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Tells type checkers what __getattr__ returns; at run time grpc stays unloaded.
    from fbali.client import Client
    from fbali.errors import FbaliError
    from fbali.pages import each_item, gather

__all__ = ["Client", "FbaliError", "each_item", "gather"]


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    from importlib import import_module

    homes = {
        "Client": "fbali.client",
        "FbaliError": "fbali.errors",
        "each_item": "fbali.pages",
        "gather": "fbali.pages",
    }
    if name not in homes:
        raise AttributeError(f"module 'fbali' has no attribute {name!r}")
    value = getattr(import_module(homes[name]), name)
    globals()[name] = value
    return value
