"""The scenarios of `make faults` in their short form: nothing lost, nothing twice.

Times are for the long form alone: here they would be those of a machine that runs all the tests.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.scenarios.__main__ import SCENARIOS, run_all
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import SHORT, Size

# Tests of their own show the same in less time: test_bulkheads, test_distributed_kills.
LONG_ONLY = {"stores", "redis_faults"}
# Tried with every run of the tests; the others, which take minutes, with `make test-long`.
ALWAYS_TRIED = {"same_page", "two_operators", "vendor_updates"}
REACHED = Result("a", "embedded", "", "", 0, 0, 1.0)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ALWAYS_TRIED else [pytest.mark.long])
        for name in sorted(SCENARIOS.keys() - LONG_ONLY)
    ],
)
def test_short_scenario_loses_and_doubles_nothing(name: str):
    results = list(SCENARIOS[name](SHORT))

    for result in results:
        print(" · ".join(result.cells()))
    assert results
    assert [(r.form, r.lost, r.doubled, list(r.wrong)) for r in results] == [
        (r.form, 0, 0, []) for r in results
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"lost": 1}, 1),
        ({"doubled": 1}, 1),
        ({"misses": ["drained in 2.1 x the fault-free time"]}, 1),
        ({"wrong": ["exit codes [0, 1]"]}, 1),
    ],
)
def test_bar_that_is_missed_makes_the_exit_code_1(changes: dict[str, Any], code: int):
    missing = replace(REACHED, **changes)

    assert run_all({"one": lambda _: iter([missing]), "two": one_reached}, SHORT) == code
    assert (missing.cells()[-1] == "reached") == (code == 0)


def test_scenario_that_breaks_off_or_shows_nothing_makes_the_exit_code_1(capsys: Any):
    def breaks_off(_size: Size) -> Iterator[Result]:
        yield REACHED
        raise TimeoutError

    assert run_all({"one": breaks_off, "two": one_reached}, SHORT) == 1
    assert "one: did not come to its end" in capsys.readouterr().out
    assert run_all({"one": lambda _: iter(()), "two": one_reached}, SHORT) == 1
    assert "one: showed nothing" in capsys.readouterr().out


def one_reached(_size: Size) -> Iterator[Result]:
    yield REACHED
