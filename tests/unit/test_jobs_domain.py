"""How failures of jobs are spaced, and the bounds that depend on one another."""

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.jobs import (
    BACK_OFF_FIRST_MS,
    BACK_OFF_MAX_MS,
    BATCH_ORDERS_MAX,
    CRASHES_MAX,
    LEASE_MS,
    REDISPATCH_MS,
    JobKind,
    back_off_ms,
)

jitters = st.floats(0, 1, exclude_max=True)


@given(failures=st.integers(1, 10_000), jitter=jitters)
def test_back_off_is_within_a_quarter_of_its_middle(failures, jitter):
    middle = min(BACK_OFF_FIRST_MS * 2 ** (failures - 1), BACK_OFF_MAX_MS)

    assert 0.75 * middle - 1 <= back_off_ms(failures, jitter) <= 1.25 * middle


@given(failures=st.integers(0, 100))
def test_back_off_never_shrinks_with_more_failures(failures):
    assert back_off_ms(failures, 0.5) <= back_off_ms(failures + 1, 0.5)


def test_back_off_doubles_up_to_five_minutes():
    delays = [back_off_ms(failures, 0.5) // 1000 for failures in range(1, 12)]

    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_bounds_are_those_of_the_design():
    assert 5_000 <= LEASE_MS <= 10_000
    assert REDISPATCH_MS <= 10_000
    assert (CRASHES_MAX, BATCH_ORDERS_MAX) == (3, 50)


def test_lost_wake_up_is_not_repeated_before_the_lease_of_its_job_can_be_over():
    assert REDISPATCH_MS >= LEASE_MS


def test_kinds_are_named_as_their_actors():
    assert all(kind.value == kind.name.lower() for kind in JobKind)
