"""Limits of size and choice of names that hold in every hand-written module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.rooms import ROOT, python_files

FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 500
VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}

each_module = pytest.mark.parametrize(
    "path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in python_files()]
)


@each_module
def test_file_is_short_enough(path: Path):
    is_test = path.is_relative_to(ROOT / "tests")

    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= (TEST_FILE_LINES_MAX if is_test else FILE_LINES_MAX)


@each_module
def test_functions_are_short_enough(path: Path):
    long = [
        f"{node.name} has {length} lines"
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert long == []


@each_module
def test_name_says_what_is_inside(path: Path):
    names = {path.stem, *path.relative_to(ROOT).parent.parts}

    assert names & VAGUE_NAMES == set()


@each_module
def test_nothing_is_patched_from_outside(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    imported = {name for node in ast.walk(tree) for name in import_names(node)}

    assert imported & {"mock", "unittest.mock", "pytest_mock"} == set()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def import_names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        return {module} | {f"{module}.{alias.name}" for alias in node.names}
    return set()
