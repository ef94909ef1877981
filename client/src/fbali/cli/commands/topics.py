"""`fbali help`: what holds for all commands."""

import click

from fbali.cli.command import Noun
from fbali.cli.exit_codes import MEANINGS
from fbali.cli.invocation import Invocation

NAMES = [
    "An argument such as ORDER or STORE is an id, as the lists show it in the column ID, for",
    "example o0order; or a full name, for example merchants/-/orders/o0order, as JSON shows it.",
    "merchants/- and vendors/- are you. A parcel may also be named by its tracking number, and a",
    "line of an order by its SKU.",
]
SETTINGS = [
    ("--server", "FBALI_SERVER", "server", "host:port, unix:/path, or https://host:port elsewhere"),
    ("--ca-file", "FBALI_CA_FILE", "ca_file", "PEM file of the authorities to trust"),
    ("--profile", "FBALI_PROFILE", "", "which part of config.toml; usually default"),
    ("", "FBALI_TOKEN", "in tokens.toml", "the token; never an option, so that nobody sees it"),
    ("", "NO_COLOR", "", "no colour on a terminal, if it is set"),
]


@click.group("help", cls=Noun)
def topics() -> None:
    """Read about exit codes, names and settings."""


@topics.command("exit-codes", example="fbali help exit-codes")
@click.pass_obj
def exit_codes(invocation: Invocation) -> None:
    """Say what the exit code of a command means."""
    from fbali.cli.document import Column, Table

    columns = [Column("CODE", right=True), Column("MEANING", flexible=True)]
    rows: list[tuple[int, str]] = [(int(code), meaning) for code, meaning in MEANINGS.items()]
    document = {"exit_codes": [{"code": code, "meaning": meaning} for code, meaning in rows]}
    invocation.answer(document, lambda: [Table(columns, rows)])


@topics.command("names", example="fbali help names")
@click.pass_obj
def names(invocation: Invocation) -> None:
    """Say how to name an order, a store and everything else."""
    from fbali.cli.document import Note

    invocation.answer({"names": " ".join(NAMES)}, lambda: [Note(line) for line in NAMES])


@topics.command("settings", example="fbali help settings")
@click.pass_obj
def settings(invocation: Invocation) -> None:
    """Say where server and token come from: option, else environment, else profile."""
    from fbali.cli.document import Column, Note, Table

    folder = invocation.folder
    columns = [
        Column("OPTION"),
        Column("ENVIRONMENT"),
        Column("PROFILE"),
        Column("MEANING", flexible=True),
    ]
    document = {
        "config_file": str(folder.config_file),
        "tokens_file": str(folder.tokens_file),
        "settings": [
            {"option": one, "environment": two, "profile": three, "meaning": four}
            for one, two, three, four in SETTINGS
        ],
    }
    files = Note(f"Profiles: {folder.config_file}; tokens: {folder.tokens_file}")
    invocation.answer(document, lambda: [Table(columns, SETTINGS), files])
