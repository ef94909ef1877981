"""Documents become aligned text for people and tab-separated values for programs."""

import io
from datetime import UTC, datetime

from rich.console import Console

from fbali.cli.document import (
    Block,
    Column,
    Fields,
    Heading,
    Note,
    Table,
    Tone,
    Word,
    without_zero_columns,
)
from fbali.cli.plain_rendering import render_plain, render_values
from fbali.cli.terminal_rendering import _content, _fitting_columns
from fbali.cli.times import common_zone, format_time

RUDE = "\x1b[31m[bold]Eve[/bold]\t\u202e"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_values_have_titles_and_exact_times_and_no_control_characters():
    table = Table(
        [Column("ORDER"), Column("STATUS"), Column("PLACED"), Column("CUSTOMER")],
        [["7", Word("pending", Tone.WAITING), NOON, RUDE], ["8", Word(""), None, ""]],
    )

    lines = render_values(table).split("\n")

    assert lines[0] == "ORDER\tSTATUS\tPLACED\tCUSTOMER"
    order, status, placed, customer = lines[1].split("\t")
    assert (order, status, customer) == ("7", "pending", "\\x1b[31m[bold]Eve[/bold]\\t\\u202e")
    assert datetime.fromisoformat(placed) == NOON
    assert lines[2] == "8\t\t\t"


def test_text_is_aligned_by_cells_and_parts_are_indented():
    document: list[Block] = [
        Heading("Order 7", Word("pending")),
        Fields([("Customer", "田中"), ("E-mail", ""), ("Note", "one\ntwo\x1b")]),
        Heading("Lines", level=2),
        Table(
            [Column("PRODUCT"), Column("UNITS", right=True), Column("SKU")],
            [["提灯", 12, "A"], ["mug", 3, "B"]],
        ),
        Note("done"),
    ]

    assert render_plain(document).split("\n") == [
        "Order 7  pending",
        "  Customer  田中",
        "  Note      one",
        "            two\\x1b",
        "",
        "  Lines",
        "    PRODUCT  UNITS  SKU",
        "    提灯        12  A",
        "    mug          3  B",
        "    done",
    ]


def test_empty_table_says_so():
    assert render_plain([Table([Column("ID")], [], "No orders.")]) == "No orders."


def test_columns_without_any_number_are_left_out_only_if_they_may_be():
    table = Table([Column("OPEN"), Column("REMOVED"), Column("SETTLED")], [[0, 0, 1], [0, 0, 0]])

    kept = without_zero_columns(table, {"REMOVED", "SETTLED"})

    assert [column.title for column in kept.columns] == ["OPEN", "SETTLED"]
    assert kept.rows == [[0, 1], [0, 0]]


def test_narrow_terminal_loses_the_sparest_columns_and_never_the_others():
    columns = [Column("ID"), Column("TOTAL", spare=1), Column("UNITS", spare=2)]
    titles = [column.title for column in columns]
    cells = [["o" * 27, "12.50 USD", "3"]]

    assert _fitting_columns(columns, titles, cells, 45) == [0, 1, 2]
    assert _fitting_columns(columns, titles, cells, 44) == [0, 1]
    assert _fitting_columns(columns, titles, cells, 10) == [0]


def test_rich_markup_of_strangers_stays_text():
    console = Console(file=io.StringIO(), width=80, markup=False, highlight=False)
    console.print(_content(Table([Column("CUSTOMER")], [[RUDE]]), 80))
    output = console.file
    assert isinstance(output, io.StringIO)

    assert "\\x1b[31m[bold]Eve[/bold]\\t\\u202e" in output.getvalue()


def test_time_has_date_and_zone():
    local = NOON.astimezone()

    assert format_time(NOON) == f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"
    assert common_zone([NOON, NOON]) == local.tzname()
    assert common_zone([]) is None
