"""Identifiers: their shape, their order, and that no two are the same."""

import base64
import re
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.ids import IdKind, new_id

instants = st.integers(0, 2**48 - 1)


@given(kind=st.sampled_from(IdKind), now_ms=instants)
def test_id_is_a_letter_and_the_base32_of_a_uuid7(kind, now_ms):
    made = new_id(kind, now_ms)

    assert re.fullmatch(r"[a-z][0-9a-v]{26}", made)
    assert made[0] == kind.value
    decoded = base64.b32hexdecode(made[1:].upper() + "======")
    assert int.from_bytes(decoded[:6], "big") == now_ms
    assert (decoded[6] >> 4, decoded[8] >> 6) == (7, 0b10)


@given(earlier=instants, later=instants)
def test_ids_sort_by_the_time_they_were_made(earlier, later):
    earlier, later = sorted((earlier, later))

    made = [new_id(IdKind.ORDER, earlier), new_id(IdKind.ORDER, later)]

    assert earlier == later or made == sorted(made)


def test_ids_of_one_instant_are_all_different():
    assert len({new_id(IdKind.LINE, 1_800_000_000_000) for _ in range(10_000)}) == 10_000


@given(kind=st.sampled_from(IdKind), instants=st.lists(instants, min_size=1, max_size=3))
def test_ids_of_one_instant_sort_in_the_order_in_which_they_were_made(kind, instants):
    made: dict[int, list[str]] = {now_ms: [] for now_ms in instants}

    for _ in range(50):
        for now_ms in instants:  # Others make ids for other instants in between.
            made[now_ms].append(new_id(kind, now_ms))

    assert all(ids == sorted(set(ids)) for ids in made.values())


def test_ids_of_one_instant_sort_within_each_thread_that_makes_them():
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [new_id(IdKind.LINE, 1) for _ in range(500)], range(8)))

    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 8 * 500


def test_ids_of_one_instant_cannot_be_told_from_each_other():
    first, second = (
        base64.b32hexdecode(new_id(IdKind.LINE, 1)[1:].upper() + "======") for _ in range(2)
    )

    assert int.from_bytes(second[6:10], "big") - int.from_bytes(first[6:10], "big") == 1
    assert first[10:] != second[10:]


def test_every_kind_has_a_letter_of_its_own():
    letters = [kind.value for kind in IdKind]

    assert len(set(letters)) == len(letters)
    assert all(re.fullmatch("[a-z]", letter) for letter in letters)
