"""The words of an order and of a query: one form for both, bounded, and they meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.search_words import (
    ORDER_WORDS_MAX,
    QUERY_WORDS_MAX,
    SKETCH_BITS,
    WORD_LENGTH_MAX,
    SearchedOrder,
    sketch_of,
    words_after,
    words_of_code,
    words_of_order,
    words_of_query,
)

TEXTS = st.text(max_size=80)
ORDERS = st.builds(
    SearchedOrder,
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=9).map(tuple),
    st.lists(st.text(max_size=400), max_size=9).map(tuple),
)


def test_words_of_an_order_are_what_it_is_found_by():
    order = SearchedOrder("#1042", "Zoë Quinn-Fern", ("LX 12 CN",), ("MUG-Blue",), ("T-Shirt, M",))

    assert words_of_order(order) == (
        *("1042", "#1042", "zoe", "quinn-fern", "quinn", "fern"),
        *("lx12cn", "lx", "12", "cn", "mug-blue", "t-shirt", "t", "shirt", "m"),
    )


@pytest.mark.parametrize("number", ["1042", "#1042", "# 1042", "##1042"])
def test_number_has_its_sign_and_has_it_not(number):
    assert {"1042", "#1042"} <= set(words_of_order(SearchedOrder(number, "")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  \t\n", ()),
        ("#1042", ("#1042",)),
        ("ZOË zoe Zoe\u0308", ("zoe",)),
        ("STRASSE straße", ("strasse",)),
        ("\uff2d\uff35\uff27\uff0d\uff11", ("mug-1",)),
        ("Mat - M, Red", ("mat", "m", "red")),
        ("%", ("%",)),
        ("_ a_b", ("a_b",)),
        ("a\x00b", ("a", "b")),
        ("が", ("が",)),
        ("a b c d e f g h i j", tuple("abcdefgh")),
        ("x" * 50, ("x" * 40,)),
    ],
)
def test_words_of_a_query(text, words):
    assert words_of_query(text) == words


@given(ORDERS)
def test_words_are_few_short_and_each_there_once(order):
    words = words_of_order(order)

    assert len(words) == len(set(words)) <= ORDER_WORDS_MAX
    assert all(0 < len(word) <= WORD_LENGTH_MAX for word in words)
    assert not any("\x00" in word or " " in word for word in words)


@given(TEXTS)
def test_words_of_a_query_are_few_and_some_unless_there_is_nothing(text):
    words = words_of_query(text)

    assert len(set(words)) == len(words) <= QUERY_WORDS_MAX
    if any(map(str.isalnum, text)):
        assert words


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "Zs")), max_size=30))
def test_order_is_found_by_whatever_is_copied_from_it(text):
    query = [word for word in words_of_query(text) if any(map(str.isalnum, word))]
    orders = [
        SearchedOrder("", text),
        SearchedOrder("", "", skus=(text,)),
        SearchedOrder("", "", titles=(text,)),
    ]

    for order in orders:
        words = words_of_order(order)
        assert [wanted for wanted in query if not any(w.startswith(wanted) for w in words)] == []


@given(TEXTS, TEXTS)
def test_range_of_a_prefix_holds_what_begins_with_it_in_the_order_of_bytes(prefix, word):
    low, high = prefix.encode(), words_after(prefix).encode()

    assert (low <= (prefix + word[:1].replace("\U0010ffff", "")).encode() < high) is True
    if low <= word.encode() < high:
        assert word.startswith(prefix)


def test_code_is_one_word_whatever_blanks_are_in_it():
    assert words_of_code("1234 5678") == ("12345678", "1234", "5678")
    assert words_of_code("1234-5678") == ("1234-5678",)


@given(ORDERS, st.integers(0, 20), st.integers(1, 9))
def test_sketch_never_hides_an_order_from_a_word_that_finds_it(order, place, length):
    words = words_of_order(order)
    typed = [word[:length] for word in words[place : place + 3]]

    assert sketch_of(typed) & ~sketch_of(words) == 0
    assert 0 <= sketch_of(words) < 1 << SKETCH_BITS


def test_sketch_tells_words_with_other_beginnings_apart_and_leaves_numbers_out():
    sketch = sketch_of(["muller", "佐藤", "lamp"])

    assert sketch_of(["佐藤"]) & ~sketch == 0
    assert sketch_of(["ada"]) & ~sketch != 0
    assert sketch_of(["1042", "x"]) == 0
    assert sketch_of(["lx12cn"]) == sketch_of(["lx"])
