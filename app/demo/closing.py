"""The end of the demo: the order in full, and what to try next."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.demo.accounts import Account
from app.demo.narration import Narrator
from app.demo.server_process import own_environment

SECONDS_MAX: Final = 30.0
_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Cast:
    """Where the server is, and who can talk to it."""

    address: str
    operator_token: str
    merchant: Account
    vendors: Sequence[Account]


def show_order(cast: Cast, order_name: str, environ: Mapping[str, str]) -> bool:
    """Let the shipped command line show an order; return whether it could."""
    sys.stdout.flush()
    done = subprocess.run(  # noqa: S603 - our own program.
        [sys.executable, "-m", "fbali.cli", "orders", "show", order_name],
        env=own_environment(environ, SERVER=cast.address, TOKEN=cast.merchant.token),
        stdin=subprocess.DEVNULL,
        timeout=SECONDS_MAX,
        check=False,
        start_new_session=True,  # Ctrl-C is this process's business.
    )
    return done.returncode == 0


def suggest(narrator: Narrator, cast: Cast, order_name: str) -> None:
    """Print what to try next, ready to paste."""
    order_id = order_name.rpartition("/")[2]
    vendor = cast.vendors[0]
    narrator.title("Try next, in a second terminal:")
    for line in (*_path(), f"export FBALI_SERVER={cast.address}"):
        narrator.text(f"{_INDENT}{line}")
    _as(
        narrator,
        "As the merchant:",
        cast.merchant.token,
        "fbali orders list --tag exception",
        f"fbali orders show {order_id}",
        "fbali vendors list",
        "fbali write-backs list",
        "fbali sync",
    )
    _as(
        narrator,
        f"As the vendor {vendor.display_name}, who sees its own part of an order only:",
        vendor.token,
        "fbali allocations list",
    )
    _as(narrator, "As the operator:", cast.operator_token, "fbali jobs list", "fbali tokens list")


def _as(narrator: Narrator, who: str, token: str, *commands: str) -> None:
    narrator.text(f"\n{_INDENT}{who}")
    for line in (f"export FBALI_TOKEN={token}", *commands):
        narrator.text(f"{_INDENT * 2}{line}")


def _path() -> list[str]:
    """Give the line that makes `fbali` known to a shell, unless it is."""
    own = Path(sys.executable).with_name("fbali")
    found = shutil.which("fbali")
    if not own.exists() or (found and Path(found).resolve() == own.resolve()):
        return []
    return [f'export PATH="{own.parent}:$PATH"']
