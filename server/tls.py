"""The server's certificate: checked at start, and read again when its files have changed."""

import logging
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from oms.settings import Settings, SettingsError

log = logging.getLogger(__name__)

_Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate and its key, as two PEM files that may be replaced while the server runs.

    gRPC asks before each new connection; connections that there are stay as they are. Files that do
    not fit each other, which is how a renewal looks half-way, leave the certificate as it was.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        """Read and check the files.

        Raises:
            SettingsError: A file cannot be read, or the two do not belong together.
        """
        self._files = (certificate_file, key_file)
        try:
            self._stamp = _stamp_of(self._files)
            self._configuration = _read(*self._files)
        except OSError as error:  # Of which SSLError is one.
            raise SettingsError(_problem(error, self._files)) from error

    def credentials(self) -> grpc.ServerCredentials:
        """Give what a port is opened with."""
        fetch: Any = self.renewed  # The stubs do not know that None means no change.
        return grpc.dynamic_ssl_server_credentials(self._configuration, fetch)

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Give the certificate if it is another one than before; called from gRPC's threads."""
        try:
            stamp = _stamp_of(self._files)
            if stamp == self._stamp:
                return None
            self._configuration = _read(*self._files)
        except OSError as error:
            log.warning("certificate not renewed", extra={"error": _problem(error, self._files)})
            return None
        self._stamp = stamp
        log.info("certificate renewed", extra={"file": str(self._files[0])})
        return self._configuration


def certificate_of(settings: Settings) -> Certificate | None:
    """Read the certificate that the settings name, if they name one."""
    if not settings.tls_certificate_file:
        return None
    return Certificate(Path(settings.tls_certificate_file), Path(settings.tls_key_file))


def _read(certificate_file: Path, key_file: Path) -> grpc.ServerCertificateConfiguration:
    """Read a pair and have it checked, since gRPC takes any and then fails every handshake."""
    pair = (key_file.read_bytes(), certificate_file.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file, password=_no_password)
    return grpc.ssl_server_certificate_configuration([pair])


def _no_password() -> str:
    """Stand in for a prompt at the terminal, which nobody might see."""
    return ""


def _stamp_of(files: Sequence[Path]) -> _Stamp:
    stats = [file.stat() for file in files]
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in stats)


def _problem(error: OSError, files: tuple[Path, Path]) -> str:
    settings = f"FBALI_TLS_CERTIFICATE_FILE={files[0]} and FBALI_TLS_KEY_FILE={files[1]}"
    if not isinstance(error, ssl.SSLError):
        return f"{settings}: cannot read {error.filename}: {error.strerror}"
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{settings}: the key is not that of the certificate"
    return f"{settings}: expected a PEM certificate (with its chain) and its PEM key, unencrypted"
