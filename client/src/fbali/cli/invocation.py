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

    from fbali.cli.document import Block, Document
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
        """Whether the answer is for programs."""
        return self.choices.output == "json"

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
        """Print what was found: as one JSON document, on the terminal, or as text for a pipe."""
        if self.is_json:
            click.echo(_json_text(found))
            return
        document = list(view())
        if sys.stdout.isatty():
            from fbali.cli.terminal_rendering import print_document

            print_document(document)
        else:
            self._print_plain(document)

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

    def _print_plain(self, document: "list[Block]") -> None:
        from fbali.cli.document import Note, Table
        from fbali.cli.plain_rendering import render_plain, render_values

        tables = [block for block in document if isinstance(block, Table)]
        notes = [block for block in document if isinstance(block, Note)]
        if len(tables) == 1 and len(tables) + len(notes) == len(document):
            for note in notes:
                self.say(note.text)
            click.echo(render_values(tables[0]))
        else:
            click.echo(render_plain(document))


def message_as_dict(message: "Message") -> dict[str, Any]:
    """Give a message as protobuf JSON with the contract's own field names and every field."""
    from google.protobuf.json_format import MessageToDict

    found: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found


def _json_text(found: "Message | dict[str, Any]") -> str:
    values = found if isinstance(found, dict) else message_as_dict(found)
    text = json.dumps(values, ensure_ascii=False, indent=2)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
