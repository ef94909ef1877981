"""One run of the command line: what it was asked for, its connection, and how it answers."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fbali.cli.connection import Choices, Connection, resolve_connection
from fbali.cli.profiles import ProfileFolder
from fbali.cli.terminal_text import neutral

if TYPE_CHECKING:  # Loading them here would cost every --help the start of gRPC.
    from google.protobuf.message import Message

    from fbali.cli.document import Block, Document, Table
    from fbali.client import Client

# JSON escapes C0 itself; these would reach the terminal as they are.
_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


class Invocation:
    """What every command is handed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the environment from the program's start; nothing below reads it again."""
        self.environment = environment
        self.choices = Choices()
        self.folder = ProfileFolder(environment)

    @property
    def is_json(self) -> bool:
        """Whether the answer and errors are JSON, and remarks are left out."""
        return self.choices.output in {"json", "jsonl"}

    @property
    def is_streamed(self) -> bool:
        """Whether the answer is rows, which can be written page by page."""
        return self.choices.output in {"jsonl", "csv"}

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked."""
        return not self.choices.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    @cached_property
    def connection(self) -> Connection:
        """The server and token that flags, environment and profile choose."""
        return resolve_connection(self.choices, self.environment, self.folder)

    @cached_property
    def client(self) -> "Client":
        """A connection to the chosen server."""
        return self.connect(self.connection)

    def connect(self, connection: Connection) -> "Client":
        """Open a connection; it ends with the command."""
        from fbali.client import Client

        ca_file = Path(connection.ca_file) if connection.ca_file else None
        client = Client(connection.server, token=connection.token, ca_file=ca_file)
        click.get_current_context().call_on_close(client.close)
        return client

    def answer(self, found: "Message | dict[str, Any]", view: "Callable[[], Document]") -> None:
        """Print what was found in the format that was asked for."""
        if self.choices.output == "json":
            click.echo(_json_text(self.as_dict(found), indent=2))
        elif self.is_streamed:
            self.answer_rows(found, view, is_first=True)
        else:
            self._answer_people(list(view()))

    def answer_rows(
        self,
        found: "Message | dict[str, Any]",
        view: "Callable[[], Document]",
        *,
        is_first: bool,
    ) -> None:
        """Print what was found, or the next page of it, as JSON lines or CSV."""
        if self.choices.output == "jsonl":
            for one in _items(found):
                click.echo(_json_text(self.as_dict(one), indent=None))
        else:
            click.echo(self._csv_text(found, view, with_header=is_first), nl=False)

    def as_dict(self, found: "Message | dict[str, Any]") -> dict[str, Any]:
        """Give an answer as protobuf JSON, with nothing but the fields that were asked for."""
        if isinstance(found, dict):
            return found
        values = message_as_dict(found)
        if self.choices.fields is None:
            return values
        from fbali.cli.field_paths import parse_paths, prune

        name = _list_field(found)
        paths = parse_paths(self.choices.fields, _kind_of_items(found))
        kept: dict[str, Any] = {name: prune(values[name], paths)} if name else prune(values, paths)
        return values | kept if name else kept

    def say(self, text: str) -> None:
        """Print a remark that is not data."""
        if not self.is_json:
            click.echo(neutral(text), err=True)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone.

        Raises:
            click.UsageError: Nobody can be asked and --yes is missing.
            click.ClickException: The answer was no.
        """
        if yes:
            return
        if not self.is_interactive:
            raise click.UsageError(f"{question} Add --yes to do it without being asked")
        if not click.confirm(neutral(question), err=True):
            raise click.ClickException("nothing was done")

    def _answer_people(self, document: "list[Block]") -> None:
        if self.choices.fields is not None:
            raise click.UsageError("--fields needs -o json, jsonl or csv")
        if sys.stdout.isatty():
            from fbali.cli.terminal_rendering import print_document

            print_document(document)
            return
        from fbali.cli.plain_rendering import render_plain, render_values

        table = self._only_table(document, with_notes=True)
        click.echo(render_values(table) if table else render_plain(document))

    def _only_table(self, document: "list[Block]", *, with_notes: bool) -> "Table | None":
        """Give the table that is all the data of a document, and say its notes; None if not so."""
        from fbali.cli.document import Note, Table

        tables = [block for block in document if isinstance(block, Table)]
        notes = [block for block in document if isinstance(block, Note)]
        if len(tables) != 1 or len(tables) + len(notes) != len(document):
            return None
        for note in notes if with_notes else []:
            self.say(note.text)
        return tables[0]

    def _csv_text(
        self,
        found: "Message | dict[str, Any]",
        view: "Callable[[], Document]",
        *,
        with_header: bool,
    ) -> str:
        from fbali.cli.csv_rendering import fields_csv, single_csv, table_csv

        if self.choices.fields is not None and not isinstance(found, dict):
            from fbali.cli.field_paths import parse_paths

            paths = parse_paths(self.choices.fields, _kind_of_items(found))
            return fields_csv(_items(found), paths, with_header=with_header)
        table = self._only_table(list(view()), with_notes=with_header)
        return (
            table_csv(table, with_header=with_header) if table else single_csv(self.as_dict(found))
        )


def _list_field(found: "Message | dict[str, Any]") -> str:
    """Name the field of a list's items; empty for an answer that is no list."""
    if isinstance(found, dict) or not found.DESCRIPTOR.name.startswith("List"):
        return ""
    from fbali.pages import items_field

    return items_field(found)


def _items(found: "Message | dict[str, Any]") -> "list[Any]":
    name = _list_field(found)
    return list(getattr(found, name)) if name else [found]


def _kind_of_items(found: "Message") -> Any:
    name = _list_field(found)
    return found.DESCRIPTOR.fields_by_name[name].message_type if name else found.DESCRIPTOR


def message_as_dict(message: "Message") -> dict[str, Any]:
    """Give a message as protobuf JSON with the contract's own field names and every field."""
    from google.protobuf.json_format import MessageToDict

    found: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found


def _json_text(values: dict[str, Any], indent: int | None) -> str:
    separators = None if indent else (",", ":")
    text = json.dumps(values, ensure_ascii=False, indent=indent, separators=separators)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
