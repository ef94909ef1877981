"""CSV cells cannot run as formulas, and come back as they were."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fbali.cli.csv_cells import csv_line, guard, restore

SHARP = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
tricky_text = st.text(st.sampled_from(f"'{SHARP}a1 ,\";"), max_size=8) | st.text()


@given(tricky_text)
def test_text_comes_back_as_it_was(text):
    assert restore(guard(text)) == text


@given(tricky_text)
def test_no_exported_text_begins_like_a_formula(text):
    assert not guard(text).startswith(tuple(SHARP))


@given(st.lists(tricky_text.filter(lambda text: "\x00" not in text), min_size=1))
def test_record_comes_back_through_a_csv_reader(cells):
    [record] = csv.reader(io.StringIO(csv_line(cells), newline=""), strict=True)

    assert [restore(cell) for cell in record] == cells


@pytest.mark.parametrize("text", ["", "plain", "'quoted'", "'n' roll", "1-2", "O'Neil"])
def test_harmless_text_is_left_alone(text):
    assert guard(text) == text
    assert restore(text) == text


def test_numbers_stay_numbers_and_records_end_as_the_standard_says():
    assert csv_line([-5, "-5", "a,b", 'say "x"']) == '-5,\'-5,"a,b","say ""x"""\r\n'
