"""The tree of refusals: every one has a word of the contract."""

import ast
import inspect

import pytest
from google.rpc import code_pb2

from fbali import errors as client_errors
from fbali.v1 import error_reason_pb2
from oms.domain import errors
from oms.domain.errors import (
    GATEWAY_REASONS,
    FbaliError,
    GatewayError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    Unavailable,
    Violation,
)
from server.errors import CODES
from tests.meta.rooms import ROOT

WORDS = {
    name.removeprefix("ERROR_REASON_")
    for name in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118 - an enum, no mapping.
}
FAMILIES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, FbaliError)
]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_word_of_the_contract(family):
    assert family.reason in WORDS - {"UNSPECIFIED"}


def test_every_gateway_reason_is_a_word_of_the_contract_and_the_other_way_round():
    assert set(GATEWAY_REASONS) == {word for word in WORDS if word.startswith("GATEWAY_")}


@pytest.mark.parametrize("room", ["oms", "server", "workers"])
def test_every_reason_that_code_writes_is_a_word_of_the_contract(room):
    written = {
        keyword.value.value
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("reason", "problem_reason")
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value
    }

    assert written <= WORDS


def test_client_holds_the_inverse_of_the_table_of_the_server():
    named = {code_pb2.Code.Name(code): family.__name__ for family, code in CODES.items()}

    inverse = {code: family.__name__ for code, family in client_errors.FAMILIES.items()}

    assert {code: inverse.get(code) for code in named} == named
    assert set(inverse) - set(named) == {"DEADLINE_EXCEEDED", "UNIMPLEMENTED"}  # gRPC's own words.


def test_tree_in_the_docstring_is_the_tree_of_the_classes():
    drawn = {
        line.lstrip("|+- ").split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "+--" in line
    }

    assert drawn | {"FbaliError"} == {family.__name__ for family in FAMILIES}


def test_metadata_is_sent_as_text():
    error = FbaliError("no", reason="LIMIT_EXCEEDED", asked=3, resource="orders/1")

    assert error.metadata == {"asked": "3", "resource": "orders/1"}
    assert (error.word, error.message, str(error)) == ("LIMIT_EXCEEDED", "no", "no")


def test_invalid_input_lists_every_field_and_says_the_first_three():
    violations = [Violation(f"field{number}", "is wrong") for number in range(5)]

    error = InvalidInput(violations)

    assert error.violations == tuple(violations)
    assert error.message == (
        "invalid request: field0: is wrong; field1: is wrong; field2: is wrong"
    )


def test_absent_and_foreign_are_told_apart_by_nothing_but_the_name():
    error = NotFound.of("merchants/m1/orders/o1")

    assert error.message == "merchants/m1/orders/o1 was not found"
    assert error.metadata == {"resource": "merchants/m1/orders/o1"}


def test_state_that_allows_nothing_says_so():
    error = IllegalTransition("jobs/1", event="retry", state="DONE", allowed=())

    assert error.message == "cannot retry jobs/1: it is DONE, which allows nothing"


@pytest.mark.parametrize(("reason", "retryable"), GATEWAY_REASONS.items())
def test_reason_of_a_gateway_decides_whether_a_retry_makes_sense(reason, retryable):
    error = GatewayError("the store failed", reason=reason, retry_after_seconds=7)

    assert isinstance(error, Unavailable)
    assert (error.word, error.retryable, error.retry_after_seconds) == (reason, retryable, 7)
