"""The server's certificate, end to end: encrypted calls, renewal while it runs, clear refusals."""

import asyncio
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from app.main import main
from fbali import Client, aio, errors
from fbali.cli.main import run
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from oms.settings import SettingsError
from server.app import ApiThread
from server.tls import Certificate
from tests.services.command_line import environment_of
from tests.services.stack import Stack


@dataclasses.dataclass
class Folder:
    """PEM files of a server, issued by authorities that can be changed."""

    path: Path
    authority: trustme.CA = dataclasses.field(default_factory=trustme.CA)

    @property
    def certificate(self) -> Path:
        return self.path / "server.pem"

    @property
    def key(self) -> Path:
        return self.path / "key.pem"

    def issue(self) -> None:
        issued = self.authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(self.key)
        issued.cert_chain_pems[0].write_to_path(self.certificate)

    def trust(self, name: str) -> Path:
        self.authority.cert_pem.write_to_path(self.path / name)
        return self.path / name


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.issue()
    return folder


@pytest.fixture
def port(stack: Stack, folder: Folder) -> Iterator[int]:
    settings = dataclasses.replace(
        stack.settings,
        listen="127.0.0.1:0",
        tls_certificate_file=str(folder.certificate),
        tls_key_file=str(folder.key),
    )
    api = ApiThread(stack.oms, settings)
    yield api.port
    api.stop()


def version(port: int, token: str, ca_file: Path) -> str:
    with Client(f"https://127.0.0.1:{port}", token=token, ca_file=ca_file) as client:
        return client.admin.GetServerInfo(GetServerInfoRequest()).version


def test_both_clients_and_the_command_line_speak_encrypted(
    stack: Stack, folder: Folder, port: int, capsys: pytest.CaptureFixture[str]
):
    ca_file, token = folder.trust("ca.pem"), stack.merchant.secret

    async def ask() -> str:
        async with aio.Client(f"https://localhost:{port}", token=token, ca_file=ca_file) as client:
            return (await client.admin.GetServerInfo(GetServerInfoRequest())).version

    environment = environment_of(folder.path, FBALI_TOKEN=token, FBALI_CA_FILE=str(ca_file))
    code = run(["auth", "status", "--server", f"https://127.0.0.1:{port}"], environment)

    assert version(port, token, ca_file) == asyncio.run(ask()) != ""
    assert (code, "merchant" in capsys.readouterr().out.lower()) == (0, True)


def test_profile_remembers_the_authority_wherever_a_command_runs(
    stack: Stack, folder: Folder, port: int, monkeypatch: pytest.MonkeyPatch
):
    environment = environment_of(folder.path)
    folder.trust("ca.pem")
    (folder.path / "elsewhere").mkdir()
    monkeypatch.chdir(folder.path)
    monkeypatch.setattr("sys.stdin", io.StringIO(stack.merchant.secret))
    server = f"https://127.0.0.1:{port}"

    assert run(["auth", "login", "--server", server, "--ca-file", "ca.pem"], environment) == 0
    monkeypatch.chdir(folder.path / "elsewhere")
    assert run(["auth", "status"], environment) == 0


def test_file_that_holds_no_authority_is_named(folder: Folder, capsys: pytest.CaptureFixture[str]):
    environment = environment_of(folder.path, FBALI_TOKEN="t", FBALI_CA_FILE=str(folder.key))

    assert run(["auth", "status", "--server", "https://127.0.0.1:1"], environment) == 1
    assert capsys.readouterr().err == f"error: {folder.key}: holds no certificate in PEM\n"


def test_stranger_to_the_authority_and_clear_text_get_nothing(
    stack: Stack, folder: Folder, port: int
):
    other = Folder(folder.path).trust("other.pem")

    with pytest.raises(errors.Unavailable):
        version(port, stack.merchant.secret, other)
    with Client(f"127.0.0.1:{port}") as client, pytest.raises(errors.Unavailable):
        client.admin.GetServerInfo(GetServerInfoRequest())


def test_certificate_is_renewed_without_a_restart(stack: Stack, folder: Folder, port: int):
    token, before = stack.merchant.secret, folder.trust("ca.pem")
    with Client(f"https://127.0.0.1:{port}", token=token, ca_file=before) as open_already:
        open_already.admin.GetServerInfo(GetServerInfoRequest())

        folder.authority = trustme.CA()
        folder.issue()
        after = folder.trust("new-ca.pem")

        assert version(port, token, after)
        with pytest.raises(errors.Unavailable):
            version(port, token, before)
        assert open_already.admin.GetServerInfo(GetServerInfoRequest()).version


def test_renewal_that_is_half_way_leaves_the_certificate_as_it_was(
    stack: Stack, folder: Folder, port: int
):
    token, before = stack.merchant.secret, folder.trust("ca.pem")
    old_key = folder.key.read_bytes()
    folder.authority = trustme.CA()
    folder.issue()
    after, new_key = folder.trust("new-ca.pem"), folder.key.read_bytes()

    folder.key.write_bytes(old_key)
    assert version(port, token, before)
    folder.key.unlink()
    assert version(port, token, before)
    folder.key.write_bytes(new_key)
    assert version(port, token, after)


def test_what_cannot_be_used_is_named(folder: Folder):
    other = Folder(folder.path / "other")
    other.path.mkdir()
    other.issue()
    (folder.path / "empty.pem").write_text("")
    cases = {
        (folder.certificate, other.key): "the key is not that of the certificate",
        (
            folder.path / "none.pem",
            folder.key,
        ): f"cannot read {folder.path / 'none.pem'}: No such file",
        (folder.path / "empty.pem", folder.key): "expected a PEM certificate",
        (folder.path, folder.key): f"cannot read {folder.path}: Is a directory",
    }

    for files, words in cases.items():
        with pytest.raises(SettingsError) as refused:
            Certificate(*files)
        assert words in str(refused.value)
        assert f"FBALI_TLS_CERTIFICATE_FILE={files[0]} and" in str(refused.value)


def test_start_with_a_missing_file_fails_in_one_line(folder: Folder):
    environment = {
        "FBALI_DATA_DIR": str(folder.path / "data"),
        "FBALI_LISTEN": "127.0.0.1:0",
        "FBALI_TLS_CERTIFICATE_FILE": str(folder.path / "none.pem"),
        "FBALI_TLS_KEY_FILE": str(folder.key),
    }
    assert CliRunner().invoke(main, ["migrate"], env=environment).exit_code == 0

    outcome = CliRunner().invoke(main, ["api"], env=environment)

    assert outcome.exit_code == 1
    assert outcome.output.splitlines()[-1].startswith("Error: FBALI_TLS_CERTIFICATE_FILE=")
    assert "No such file" in outcome.output
