"""Settings of one process, read once from the environment; the only reader of FBALI_ variables."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LISTEN_DEFAULT = "127.0.0.1:7443"
PORT_MAX = 65_535
SECONDS_MAX = 86_400
THREADS_MAX = 64


class SettingsError(Exception):
    """One or more settings are wrong; the message names each with what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose; docs/operations.md says more of each.

    `tracking_interval_seconds` 0 means the schedule that follows the parcel's state, anything else
    one steady pace. An empty `tracking_token` means that no tracking service is asked.
    """

    data_dir: Path
    database_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    photos_url: str
    listen: str
    tls_certificate_file: str
    tls_key_file: str
    reflection: bool
    store_timeout_seconds: float
    extra_ca_file: str
    tracking_url: str
    tracking_token: str = field(repr=False)
    tracking_interval_seconds: float
    worker_threads: int
    outside_threads: int
    grace_seconds: float
    log_level: str
    log_format: str

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach the API."""
        return is_loopback(self.listen)

    @property
    def photos_dir(self) -> Path:
        """Return the folder of photos."""
        return Path(unquote(urlsplit(self.photos_url).path))

    @property
    def is_embedded(self) -> bool:
        """Tell whether wake-ups stay inside the worker process."""
        return self.broker_url == "memory://"


def is_loopback(listen: str) -> bool:
    """Tell whether an address such as `127.0.0.1:7443` or `unix:/path` is on this machine only."""
    if listen.startswith("unix:"):
        return True
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Build the settings; raises SettingsError with every problem at once."""
    problems: list[str] = []

    def read(name: str, default: str, parse: Callable[[str], Any]) -> Any:
        text = environ.get(f"FBALI_{name}", "") or default
        try:
            return parse(text)
        except ValueError as error:
            problems.append(f"FBALI_{name}={_shown(text)}: {error}")
            return None

    data_dir = read("DATA_DIR", "fbali-data", Path)
    settings = Settings(
        data_dir=data_dir,
        database_url=read("DATABASE_URL", f"sqlite:///{data_dir / 'fbali.db'}", _database_url),
        broker_url=read("BROKER_URL", "memory://", _broker_url),
        photos_url=read("PHOTOS_URL", _folder_url(data_dir, "photos"), _photos_url),
        listen=read("LISTEN", LISTEN_DEFAULT, _address),
        tls_certificate_file=read("TLS_CERTIFICATE_FILE", "", str),
        tls_key_file=read("TLS_KEY_FILE", "", str),
        reflection=read("REFLECTION", "on", _one_of("on", "off")) == "on",
        store_timeout_seconds=read("STORE_TIMEOUT_SECONDS", "20", _seconds),
        extra_ca_file=read("EXTRA_CA_FILE", "", str),
        tracking_url=read("TRACKING_URL", "https://api.17track.net", str),
        tracking_token=read("TRACKING_TOKEN", "", str),
        tracking_interval_seconds=read("TRACKING_INTERVAL_SECONDS", "0", _seconds),
        worker_threads=read("WORKER_THREADS", "8", _count),
        outside_threads=read("OUTSIDE_THREADS", "8", _count),
        grace_seconds=read("GRACE_SECONDS", "15", _seconds),
        log_level=read("LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error")),
        log_format=read("LOG_FORMAT", "auto", _one_of("auto", "json", "text")),
    )
    problems += _transport_problems(settings)
    if problems:
        raise SettingsError("; ".join(problems))
    return settings


def _shown(text: str) -> str:
    """Leave out what may be a password: all before the host, and what is asked for after it."""
    credentials, at, host = text.rpartition("@")
    scheme = credentials.partition("://")[0] + "://" if "://" in credentials else ""
    shown, query, _ = (f"{scheme}...@{host}" if at else text).partition("?")
    return f"{shown}?..." if query else shown


def _transport_problems(settings: Settings) -> list[str]:
    files = (settings.tls_certificate_file, settings.tls_key_file)
    if any(files) != all(files):
        return ["FBALI_TLS_CERTIFICATE_FILE and FBALI_TLS_KEY_FILE are set together or not at all"]
    # An address that could not be read has its own problem.
    if settings.listen and not settings.is_loopback and not any(files):
        problem = (
            f"FBALI_LISTEN={settings.listen}: clear text is for this machine only; set"
            " FBALI_TLS_CERTIFICATE_FILE and FBALI_TLS_KEY_FILE, or listen on 127.0.0.1"
        )
        return [problem]
    return []


def _database_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://")):
        message = "starts with sqlite:/// or postgresql://"
        raise ValueError(message)
    return text


def _broker_url(text: str) -> str:
    if text != "memory://" and not text.startswith(("redis://", "rediss://", "unix://")):
        message = "is memory:// or starts with redis://, rediss:// or unix://"
        raise ValueError(message)
    return text


def _folder_url(parent: Path, name: str) -> str:
    return (parent.absolute() / name).as_uri()


def _photos_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "file" or parts.netloc or not parts.path.strip("/"):
        message = "is file:///path of a folder"
        raise ValueError(message)
    return text


def _address(text: str) -> str:
    if text.startswith("unix:"):
        return text
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) <= PORT_MAX):
        message = "is host:port or unix:/path"
        raise ValueError(message)
    return text


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= SECONDS_MAX:
        message = f"is a number of seconds from 0 to {SECONDS_MAX}"
        raise ValueError(message)
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= THREADS_MAX:
        message = f"is a number from 1 to {THREADS_MAX}"
        raise ValueError(message)
    return count


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            message = f"is one of {', '.join(words)}"
            raise ValueError(message)
        return text

    return parse
