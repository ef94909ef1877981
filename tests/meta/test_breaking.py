"""What would break programs that were built with the contract as it was released is noticed."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.meta.rooms import ROOT

BUF = Path(sysconfig.get_path("scripts")) / "buf"
BASELINE = ROOT / "protos" / "baseline.binpb.gz"
FOUND = 100  # What buf ends with when a rule is broken; other codes say that it could not look.


def breaking(folder: Path) -> tuple[int, str]:
    """Compare the contract in a folder with the released one."""
    done = subprocess.run(
        [BUF, "breaking", "protos", "--against", BASELINE],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A folder with a contract of its own."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    for name in ("protos", "third_party"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def replace(contract: Path, file: str, pattern: str, text: str) -> None:
    path = contract / "protos" / "fbali" / "v1" / file
    changed, count = re.subn(pattern, text, path.read_text("utf-8"), count=1, flags=re.DOTALL)
    assert count == 1
    path.write_text(changed, "utf-8")


def test_contract_breaks_nothing_that_was_released():
    assert breaking(ROOT) == (0, "")


@pytest.mark.parametrize(
    ("file", "pattern", "text", "told"),
    [
        ("money.proto", r"\n  [^\n]*int64 amount_minor = 2.*?;", "", 'field "2" .* was deleted'),
        ("money.proto", "int64 amount_minor", "int32 amount_minor", "changed type"),
        ("money.proto", "amount_minor = 2", "amount_minor = 3", 'field "2" .* was deleted'),
        ("money.proto", "amount_minor = 2", "minor_amount = 2", "changed name"),
        (
            "admin_service.proto",
            r"GetServerInfoRequest(\).*?message )GetServerInfoRequest",
            r"InfoRequest\1InfoRequest",
            'message "GetServerInfoRequest" was deleted',
        ),
        ("case.proto", "repeated (CaseItem items)", r"\1", "changed cardinality"),
        ("token.proto", "ROLE_VENDOR = ", "ROLE_AGENT = ", "changed name"),
        ("token.proto", r"\n  ROLE_VENDOR = \d+;", "", "was deleted"),
        (
            "order_service.proto",
            r"\n  rpc GetOrder\(.*?\n  \}",
            "",
            'RPC "GetOrder" on service "OrderService" was deleted',
        ),
        (
            "order_service.proto",
            r"rpc ExportOrders\(ExportOrdersRequest\) returns \(stream ",
            "rpc ExportOrders(ExportOrdersRequest) returns (",
            "from server streaming to server unary",
        ),
        (
            "order_service.proto",
            r"(rpc GetOrder\(.*?)NO_SIDE_EFFECTS",
            r"\1IDEMPOTENT",
            '"idempotency_level" from "NO_SIDE_EFFECTS" to "IDEMPOTENT"',
        ),
        ("money.proto", 'go_package = "fbali/v1', 'go_package = "oms/v1', "go_package"),
        ("money.proto", 'java_package = "com', 'java_package = "org', "java_package"),
        ("money.proto", 'csharp_namespace = "Fbali', 'csharp_namespace = "Oms', "csharp_namespace"),
    ],
)
def test_change_that_breaks_programs_is_noticed(
    contract: Path, file: str, pattern: str, text: str, told: str
):
    replace(contract, file, pattern, text)

    code, output = breaking(contract)

    assert code == FOUND, output
    assert re.search(told, output), output


def test_addition_is_no_break(contract: Path):
    replace(contract, "money.proto", r"(message Money \{)", r"\1\n  // New.\n  string note = 99;")
    replace(
        contract,
        "order_service.proto",
        r"\n\}\n",
        "\n  // New.\n  rpc FindOrder(GetOrderRequest) returns (GetOrderResponse) {}\n}\n",
    )

    assert breaking(contract) == (0, "")
