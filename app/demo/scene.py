"""Everything that the demo runs: a folder, the shop, the carrier, the server; opened and closed."""

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from app.demo.carrier import TOKEN, PretendCarrier
from app.demo.server_process import ServerProcess, choose_port, own_environment
from app.demo.shop import PretendShop
from app.demo.shop_catalog import Catalog
from oms.usecases.ports import Clock

SECONDS_PER_STEP: Final = 1.5  # How fast a pretend parcel travels: a step of its journey.
TRACKING_SECONDS: Final = 1.5  # How often parcels are asked for.


@dataclass(frozen=True, slots=True)
class SceneOptions:
    """How large and how fast; a `port` of 0 takes a free one, no `database_url` is SQLite."""

    orders: int = 300
    port: int = 0
    seconds_per_step: float = SECONDS_PER_STEP
    seed: int = 1
    database_url: str = ""


class Scene:
    """What runs; use it as a context manager. The folder is removed at the end unless kept."""

    def __init__(self, options: SceneOptions, environ: Mapping[str, str], clock: Clock) -> None:
        """Open folder, shop and carrier; the server is there to be started.

        Raises:
            DemoError: The port is taken.
        """
        port = choose_port(options.port)
        self._closing = ExitStack()
        self.is_folder_kept = False
        self.folder = Path(tempfile.mkdtemp(prefix="fbali-demo-"))
        self._closing.callback(self._remove_folder)
        self.shop = self._closing.enter_context(PretendShop())
        self.catalog: Catalog = self.shop.fill(orders=options.orders, seed=options.seed)
        self.carrier = self._closing.enter_context(
            PretendCarrier(clock, seconds_per_step=options.seconds_per_step)
        )
        settings = {
            "TRACKING_URL": self.carrier.base_url,
            "TRACKING_TOKEN": TOKEN,
            "TRACKING_INTERVAL_SECONDS": str(TRACKING_SECONDS),
            "LOG_FORMAT": "text",
            "DATABASE_URL": options.database_url,
        }
        self.server = ServerProcess(self.folder, port, own_environment(environ, **settings))
        self._closing.callback(self.server.stop)

    def close(self) -> None:
        """Close everything in reverse order."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def _remove_folder(self) -> None:
        if not self.is_folder_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
