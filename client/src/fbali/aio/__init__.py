"""The client for programs on asyncio: what `fbali` has, with `await` and `async for`."""

from fbali.aio.calls import CallPolicy
from fbali.aio.client import Client
from fbali.aio.pages import each_item, each_page, gather
from fbali.aio.watching import Watch

__all__ = ["CallPolicy", "Client", "Watch", "each_item", "each_page", "gather"]
