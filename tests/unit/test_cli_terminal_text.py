"""Text of strangers cannot do anything to a terminal."""

import pytest

from fbali.cli.terminal_text import cell_width, neutral, neutral_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 田中 👩‍🚀", "Zoë 田中 👩‍🚀"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069\u200f\u061c", "\\u2066x\\u2069\\u200f\\u061c"),
        ("line\u2028separator", "line\\u2028separator"),
        ("\x7f\x00", "\\x7f\\x00"),
    ],
)
def test_unsafe_characters_are_shown_and_others_stay(text, shown):
    assert neutral(text) == shown


def test_line_ends_of_a_note_are_kept_and_nothing_else():
    assert neutral_lines("ring twice\r\nthen\x1b[2J wait\n") == [
        "ring twice",
        "then\\x1b[2J wait",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("abc", 3), ("提灯", 4), ("e\u0301", 1), ("ー", 2)]
)
def test_width_is_that_of_the_terminal(text, cells):
    assert cell_width(text) == cells
