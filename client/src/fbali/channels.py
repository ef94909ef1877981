"""Opens channels: where a target is, and whether it may be spoken to in clear text."""

import errno
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from fbali.errors import InsecureTarget

DEFAULT_TARGET = "127.0.0.1:7443"
KEEPALIVE_MILLISECONDS = 60_000  # The server refuses clients that ping more often than every 30 s.
KEEPALIVE_TIMEOUT_MILLISECONDS = 20_000
RECONNECT_MILLISECONDS_MIN = 100
RECONNECT_MILLISECONDS_MAX = 2_000

# Where systems keep the authorities that they trust, as far as OpenSSL does not know it.
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine.
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat.
    "/etc/ssl/ca-bundle.pem",  # openSUSE.
    "/etc/ssl/cert.pem",  # macOS, BSD.
)
_LISTS = ("ipv4:", "ipv6:")
# Calls go to all servers in turn, and to the others at once when one is gone.
_ROUND_ROBIN = '{"loadBalancingConfig": [{"round_robin": {}}]}'


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address as gRPC takes it, and whether the connection is encrypted."""

    address: str
    tls: bool


def parse_target(target: str, *, tls: bool = False) -> Endpoint:
    """Read host:port, unix:/path or https://host:port.

    Several servers are named by numeric addresses with commas between, 10.0.0.1:7443,10.0.0.2:7443,
    or by a name that has several addresses, written dns:///name:port.

    Raises:
        InsecureTarget: The target is another machine and neither `tls` nor https:// is given.
    """
    scheme, separator, rest = target.partition("://")
    if separator and scheme in {"https", "http"}:
        endpoint = Endpoint(_listed(rest.rstrip("/")), tls=tls or scheme == "https")
    else:
        endpoint = Endpoint(_listed(target), tls=tls)
    if not (endpoint.tls or is_local(endpoint.address)):
        raise InsecureTarget(
            f"{endpoint.address} is another machine and the connection would not be encrypted;"
            f" write https://{endpoint.address}"
        )
    return endpoint


def _listed(address: str) -> str:
    """Write several addresses as gRPC names a list of them."""
    if "," not in address or address.startswith((*_LISTS, "unix:", "unix-abstract:")):
        return address
    return f"ipv6:{address}" if address.startswith("[") else f"ipv4:{address}"


def is_local(address: str) -> bool:
    """Tell whether an address is a unix socket or loopback, without asking any name server."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    if address.startswith(_LISTS):
        return all(is_local(one) for one in address.partition(":")[2].split(","))
    host = address.rpartition(":")[0] if ":" in address else address
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Tls:
    """What an encrypted connection is checked by, as PEM files.

    `ca_file` names the authorities to trust instead of those of the system; `certificate_file` and
    `key_file`, both or neither, are shown to a proxy that asks clients for a certificate.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            OSError: A file cannot be read, or the authorities' holds no certificate.
        """
        return grpc.ssl_channel_credentials(
            _authorities(self.ca_file) if self.ca_file else system_authorities(),
            self.key_file.read_bytes() if self.key_file else None,
            self.certificate_file.read_bytes() if self.certificate_file else None,
        )


def _authorities(file: Path) -> bytes:
    """Read authorities; gRPC would take anything, and then reach nobody."""
    found = file.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in found:
        raise OSError(errno.EINVAL, "holds no certificate in PEM", str(file))
    return found


def system_authorities() -> bytes | None:
    """Give the authorities that the system trusts; None leaves gRPC to those that it brings."""
    chosen = ssl.get_default_verify_paths().cafile  # Follows the variable SSL_CERT_FILE.
    for path in (chosen, *_SYSTEM_BUNDLES):
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return None


def channel_arguments(endpoint: Endpoint, tls: Tls) -> dict[str, Any]:
    """Give what opening a lazily connecting channel takes, for both kinds of channels.

    `credentials` is there only for an encrypted connection.
    """
    options: list[tuple[str, int | str]] = [
        ("grpc.enable_retries", 0),  # Retries are ours: they need the request_id.
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MILLISECONDS),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_MILLISECONDS_MIN),
        ("grpc.min_reconnect_backoff_ms", RECONNECT_MILLISECONDS_MIN),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS_MAX),
    ]
    if endpoint.address.startswith((*_LISTS, "dns:")):
        options.append(("grpc.service_config", _ROUND_ROBIN))
    if endpoint.tls:
        return {"options": options, "credentials": tls.credentials()}
    # A proxy on the way would make a loopback address somebody else's loopback.
    options.append(("grpc.enable_http_proxy", 0))
    return {"options": options}


def open_channel(endpoint: Endpoint, tls: Tls) -> grpc.Channel:
    """Open a channel for threads."""
    opened = grpc.secure_channel if endpoint.tls else grpc.insecure_channel
    return opened(endpoint.address, **channel_arguments(endpoint, tls))
