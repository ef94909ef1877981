"""The processes that are measured, each started as in production, and ended with this one."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc

READY_SECONDS_MAX = 30
_STOP_SECONDS_MAX = 20


@contextmanager
def program(module: str, *arguments: str, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python -m module arguments` with FBALI_ settings; its log goes nowhere."""
    with TemporaryDirectory(prefix="fbali-bench-data-") as folder:
        named = {f"FBALI_{name.upper()}": value for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, "FBALI_DATA_DIR": folder, **named},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def served(module: str, *arguments: str, **settings: str) -> Iterator[grpc.Channel]:
    """Run a program that listens where FBALI_LISTEN says; yield a channel once it answers."""
    listen = free_address()
    with (
        program(module, *arguments, listen=listen, **settings),
        grpc.insecure_channel(listen) as channel,
    ):
        grpc.channel_ready_future(channel).result(READY_SECONDS_MAX)
        yield channel


def free_address() -> str:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def folder_of_run() -> "TemporaryDirectory[str]":
    """Make the folder that all files of a run are in."""
    root = Path(os.environ.get("TMPDIR", "/var/tmp"))
    return TemporaryDirectory(prefix="fbali-bench-", dir=root if root.is_dir() else None)
