"""Why calls are refused: contract and code name the same reasons, with the same metadata."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fbali.v1.error_reason_pb2 import ErrorReason
from oms.domain import errors
from oms.domain.errors import GATEWAY_REASONS, FbaliError
from oms.domain.photos import PhotoProblem
from tests.meta.rooms import ROOT

PROTOS = ROOT / "protos" / "fbali" / "v1"


def documented() -> dict[str, set[str]]:
    """Give the metadata keys that the contract promises, by reason."""
    text = (PROTOS / "error_reason.proto").read_text(encoding="utf-8")
    found = {}
    for match in re.finditer(r"((?: *//.*\n)+) *ERROR_REASON_(\w+) = ", text):
        comment = " ".join(line.strip().lstrip("/").strip() for line in match[1].splitlines())
        promised = re.search(r"Metadata: ([^.]+)\.", comment)
        keys = re.sub(r"\([^)]*\)", "", promised[1]) if promised else ""
        found[match[2]] = {key.strip() for key in keys.split(",") if key.strip()}
    return found


FAMILIES: Mapping[str, type[FbaliError]] = {
    name: item
    for name, item in vars(errors).items()
    if isinstance(item, type) and issubclass(item, FbaliError)
}
NO_METADATA = {"reason", "retry_after_seconds"}
TRANSITION_KEYS = {"subject", "event", "current_state", "allowed"}


def raised() -> Iterator[tuple[str, set[str], str]]:
    """Find where refusals are made: the reason, the metadata keys, the place."""
    for room in ("oms", "server", "workers"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and path.name != "errors.py":
                    yield from refusal(node, path)


def refusal(node: ast.Call, path: Path) -> Iterator[tuple[str, set[str], str]]:
    name = ast.unparse(node.func)
    family = FAMILIES.get(name.partition(".")[0])
    if family is None or name.partition(".")[2] not in ("", "of"):
        return
    given = {keyword.arg or "**": keyword.value for keyword in node.keywords}
    reason = given.get("reason")
    word = reason.value if isinstance(reason, ast.Constant) else family.reason
    keys = set(given) - NO_METADATA
    if issubclass(family, errors.IllegalTransition):
        keys = TRANSITION_KEYS
    if name == "NotFound.of":
        keys = {"resource"}
    yield str(word), keys, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_reason_that_is_raised_is_in_the_contract():
    declared = {
        name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name
    }
    classes = {family.reason for family in FAMILIES.values()}

    assert {word for word, _, _ in raised()} | classes | set(GATEWAY_REASONS) <= declared


def test_every_reason_of_the_contract_is_raised_somewhere():
    declared = {
        name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name
    }
    classes = {family.reason for family in FAMILIES.values()}
    listed = {*GATEWAY_REASONS, *(problem.value for problem in PhotoProblem)}

    unused = declared - {word for word, _, _ in raised()} - classes - listed

    assert unused == {"UNSPECIFIED"}


def test_refusals_carry_the_metadata_that_the_contract_promises_and_nothing_else():
    promised = documented()

    broken = [
        f"{place}: {word} has {sorted(keys)}, the contract says {sorted(promised[word])}"
        for word, keys, place in raised()
        if promised[word] != keys
    ]

    assert broken == []


def test_promises_are_read_from_the_contract():
    promised = documented()

    assert promised["ILLEGAL_TRANSITION"] == TRANSITION_KEYS
    assert promised["QUANTITY_EXCEEDED"] == {"line", "asked", "available"}
    assert promised["ETAG_MISMATCH"] == {"resource", "current_etag"}
    assert len(promised) == len(ErrorReason.values())
