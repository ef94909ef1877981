"""The kinds of commands: lazily loaded nouns, and verbs with an example and common options."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar

import click

from fbali.cli.invocation import Invocation

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Where a top-level command is, as module:attribute, and its one-line help."""

    path: str
    help: str


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep a common option; one after the verb wins over one before the noun."""
    if value is not None and parameter.name:
        invocation = context.find_object(Invocation)
        assert invocation is not None
        setattr(invocation.choices, parameter.name, value)


def _common(*names: str, text: str, **attributes: Any) -> click.Option:
    return click.Option(
        names, help=text, callback=_remember, expose_value=False, is_eager=True, **attributes
    )


COMMON_OPTIONS: Sequence[click.Option] = (
    _common(
        "-o",
        "--output",
        text="Table for people (default); one JSON document, JSON lines or CSV for programs.",
        type=click.Choice(["table", "json", "jsonl", "csv"]),
    ),
    _common("--profile", text="Work as this profile.", metavar="NAME"),
    _common("--server", text="Ask this server.", metavar="ADDRESS"),
    _common("--ca-file", text="Trust these authorities.", metavar="FILE"),
    _common("--no-input", text="Never ask.", is_flag=True, default=None),
    _common("--debug", text="Show where an error comes from.", is_flag=True, default=None),
)

fields_option = click.option(
    "--fields",
    metavar="A,B.C",
    callback=_remember,
    expose_value=False,
    is_eager=True,
    help="Only these fields of the answer's items, by their JSON names; for json, jsonl and csv.",
)


class Verb(click.Command):
    """A command that does something. Its help has an example, and the common options apart."""

    def __init__(self, *arguments: Any, example: str = "", **attributes: Any) -> None:
        """Take what click takes, and a command line that can be run as it is."""
        super().__init__(*arguments, **attributes)
        self.example = example

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Add the common options to the command's own."""
        return [*super().get_params(ctx), *COMMON_OPTIONS]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the command's own options first."""
        own = [record for one in super().get_params(ctx) if (record := one.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(own)
        _write_common_options(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the example."""
        del ctx
        with formatter.section("Example"):
            formatter.write_text(self.example)


class Noun(click.Group):
    """The verbs of one noun."""

    command_class = Verb


class LazyGroup(click.Group):
    """The top: knows every noun and its help without loading it."""

    def __init__(self, *arguments: Any, registry: Mapping[str, Entry], **attributes: Any) -> None:
        """Take what click takes, and the nouns."""
        super().__init__(*arguments, **attributes)
        self.registry = registry
        self.params = [*self.params, *COMMON_OPTIONS]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the nouns in the order of the registry."""
        del ctx
        return list(self.registry)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a noun."""
        del ctx
        entry = self.registry.get(cmd_name)
        return load_command(entry.path) if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the nouns from the registry alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.registry.items()])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the nouns, then the options."""
        self.format_commands(ctx, formatter)
        own = [one for one in self.get_params(ctx) if one not in COMMON_OPTIONS]
        with formatter.section("Options"):
            formatter.write_dl([found for one in own if (found := one.get_help_record(ctx))])
        _write_common_options(ctx, formatter)


def load_command(path: str) -> click.Command:
    """Import module:attribute, which is a command."""
    module, _, attribute = path.partition(":")
    found = getattr(import_module(module), attribute)
    assert isinstance(found, click.Command)
    return found


def options_as(
    kind: type, name: str, *options: Callable[[Any], Any]
) -> Callable[[Function], Function]:
    """Hand several options to a command as one dataclass `kind`, whose fields are their names."""
    fields = [field.name for field in dataclasses.fields(kind)]

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def bundled(*arguments: Any, **values: Any) -> Any:
            values[name] = kind(**{field: values.pop(field) for field in fields})
            return function(*arguments, **values)

        command: Any = bundled
        for option in reversed(options):
            command = option(command)
        decorated: Function = command
        return decorated

    return decorate


def _write_common_options(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    with formatter.section("Common options"):
        formatter.write_dl([found for one in COMMON_OPTIONS if (found := one.get_help_record(ctx))])
