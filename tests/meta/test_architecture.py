"""The arrows between the rooms, as the contracts of import-linter in pyproject.toml draw them."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.meta.rooms import ROOT


def test_imports_keep_to_the_arrows():
    # A process of its own: import-linter configures logging, which silences all other loggers.
    lint = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )

    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_domain_imports_only_the_standard_library_and_itself():
    foreign = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "oms" / "domain").rglob("*.py")
        for name in imported_names(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith("oms.domain.")
    }

    assert foreign == set()


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names
