"""Identifiers: their shape, their order, and that no two are the same."""

import base64
import re

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


def test_ids_of_one_instant_sort_in_the_order_in_which_they_were_made():
    made = [new_id(IdKind.COST_ENTRY, 1_800_000_000_000) for _ in range(70_000)]

    assert made == sorted(made)


def test_every_kind_has_a_letter_of_its_own():
    letters = [kind.value for kind in IdKind]

    assert len(set(letters)) == len(letters)
    assert all(re.fullmatch("[a-z]", letter) for letter in letters)
