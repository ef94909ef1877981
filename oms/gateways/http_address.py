"""Which base URLs of outside systems are accepted, and which machines may be called."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from oms.domain.errors import InvalidInput

BASE_URL_CHARACTERS_MAX: Final = 2000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?")
_LOCAL_NAMES: Final = ("localhost", "localhost.localdomain")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class BaseAddress:
    """Where an outside system is. `prefix` is empty or starts with a slash and ends without one."""

    scheme: str
    host: str
    port: int
    prefix: str

    @property
    def netloc(self) -> str:
        """Host and port as a URL writes them, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Render as a URL, which never holds credentials."""
        return f"{self.scheme}://{self.netloc}{self.prefix}"


def parse_base_url(text: str, *, allow_private: bool) -> BaseAddress:
    """Check and split the address that a merchant typed.

    Names are looked up only when they are called, so a name that leads to a private machine is
    refused later, by `permits`.

    Raises:
        InvalidInput: the address is no URL, is not encrypted, holds credentials, or is private.
    """
    parts = _split(text)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refusal("leave the user name and the password out of the address")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refusal("end the address before the first ? or #")
    host = _host(parts)
    if parts.scheme == "http" and not _is_loopback_name(host):
        raise _refusal(f"use https://{parts.netloc}: keys are not sent over an open line")
    if not allow_private and _is_private_name(host):
        raise _refusal("the address is inside this server's own network, which is not allowed here")
    port = _port(parts)
    return BaseAddress(parts.scheme, host, port, parts.path.rstrip("/"))


def permits(address: str, *, scheme: str, allow_private: bool) -> bool:
    """Tell whether the machine with this IP address may be called with this scheme.

    It is asked for every address that a name leads to at the moment of the call, so a name that
    starts to lead elsewhere after it was checked gains nothing.
    """
    ip = _plain_ip(ipaddress.ip_address(address))
    if scheme == "http" and not ip.is_loopback:
        return False
    return allow_private or ip.is_global


def _split(text: str) -> SplitResult:
    if len(text) > BASE_URL_CHARACTERS_MAX:
        raise _refusal(f"at most {BASE_URL_CHARACTERS_MAX} characters are allowed")
    if any(character <= " " or character in "\\\x7f" for character in text):
        raise _refusal("spaces, backslashes and control characters are not allowed")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _refusal("it is not a web address such as https://shop.example") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise _refusal("write the whole address, beginning with https://")
    return parts


def _host(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    if _ip(host) is None and not _HOST_NAME.fullmatch(host):
        raise _refusal("it names no host, such as shop.example")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _refusal("the port must be a number from 1 to 65535")
    return port or _DEFAULT_PORTS[parts.scheme]


def _is_loopback_name(host: str) -> bool:
    ip = _ip(host)
    return host in _LOCAL_NAMES if ip is None else ip.is_loopback


def _is_private_name(host: str) -> bool:
    ip = _ip(host)
    return host in _LOCAL_NAMES if ip is None else not ip.is_global


def _ip(host: str) -> IpAddress | None:
    try:
        return _plain_ip(ipaddress.ip_address(host))
    except ValueError:
        return None


def _plain_ip(ip: IpAddress) -> IpAddress:
    """Take an IPv4 address out of its IPv6 clothing, which would hide that it is private."""
    return getattr(ip, "ipv4_mapped", None) or ip


def _refusal(description: str) -> InvalidInput:
    return InvalidInput.of("base_url", description)
