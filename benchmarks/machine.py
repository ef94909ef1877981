"""What the figures were measured on."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.databases import Databases


def machine_line(databases: Sequence[Databases]) -> str:
    """Describe the machine and the programs in one line."""
    cores = len(os.sched_getaffinity(0))
    engines = ", ".join(f"{kind.name} {kind.version}" for kind in databases)
    return (
        f"{cores} cores ({_processor()}), Linux {platform.release()},"
        f" Python {platform.python_version()}, grpcio {version('grpcio')}, {engines};"
        f" load {os.getloadavg()[0]:.1f} at the start"
    )


def _processor() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return next(names, platform.machine())
