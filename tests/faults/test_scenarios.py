"""The scenarios of `make faults` in their short form: nothing lost, nothing twice.

Times are for the long form alone: here they would be those of a machine that runs all the tests.
"""

import pytest

from tests.faults.scenarios.__main__ import SCENARIOS
from tests.faults.scenarios.size import SHORT

# Tests of their own show the same in less time: test_bulkheads, test_distributed_kills.
LONG_ONLY = {"stores", "redis_faults"}
# Tried with every run of the tests; the others, which take minutes, with `make test-long`.
ALWAYS_TRIED = {"same_page", "two_operators"}


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
    assert [(result.form, result.lost, result.doubled) for result in results] == [
        (result.form, 0, 0) for result in results
    ]
