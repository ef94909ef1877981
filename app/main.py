"""The operator's command `fbali-server`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.logs import set_up_logs
from app.supervisor import end_with_parent, supervise
from oms.domain.errors import FbaliError
from oms.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:  # Commands load the rest when they run: --help and Ctrl-C are not to wait for it.
    from oms.usecases.context import Oms

_PARENT_FD = click.option("--parent-fd", type=int, hidden=True)


class Program(click.Group):
    """Says in a sentence what went wrong instead of showing where."""

    def invoke(self, context: click.Context) -> object:
        """Run the command that was named."""
        try:
            return super().invoke(context)
        except FbaliError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fbali-oms", prog_name="fbali-server")
@click.pass_context
def main(context: click.Context) -> None:
    """Run the order management server. Settings are FBALI_ variables; see docs/operations.md."""
    # The database holds store credentials: whatever is made here is its owner's alone.
    os.umask(0o077)
    try:
        context.obj = read_settings(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.pass_obj
def init(settings: Settings) -> None:
    """Set up the database and issue the first operator token."""
    from oms import bootstrap
    from oms.domain.principals import Role
    from oms.usecases.context import Transaction
    from oms.usecases.manage_accounts import IssueToken, issue_token

    oms = bootstrap.build(settings)
    oms.db.migrate()
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        issued = issue_token(tx, IssueToken(Role.OPERATOR, "", "fbali-server init"))
    click.echo(f"The database is ready: {_where(settings)}", err=True)
    click.echo("Operator token, shown this once (keep it, or pipe it on):", err=True)
    click.echo(issued.secret)
    click.echo("Next: `fbali-server run`, and in another terminal `fbali auth login`", err=True)


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database up to date."""
    from oms import bootstrap

    names = bootstrap.open_database(settings).migrate()
    click.echo("\n".join(names) or "the database is up to date")


@main.command()
@_PARENT_FD
@click.pass_obj
def run(settings: Settings, parent_fd: int | None) -> None:
    """Run API and worker on this machine until Ctrl-C."""
    from oms import bootstrap

    if parent_fd is not None:
        end_with_parent(parent_fd)
    bootstrap.open_database(settings).migrate()
    set_up_logs(settings.log_level, settings.log_format)
    click.echo(f"FbAli OMS serves {settings.listen}, Ctrl-C stops it.", err=True)
    commands = ["api", "worker"] if settings.is_embedded else ["api", "worker", "scheduler"]
    sys.exit(supervise(commands, settings.grace_seconds))


@main.command()
@_PARENT_FD
@click.pass_obj
def api(settings: Settings, parent_fd: int | None) -> None:
    """Run an API process only."""
    from server.app import run as serve

    try:
        serve(_prepare(settings, parent_fd), settings)
    except RuntimeError as error:  # The address is taken.
        raise click.ClickException(str(error)) from error


@main.command()
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="Keep so many worker processes running, and replace those that die.",
)
@_PARENT_FD
@click.pass_obj
def worker(settings: Settings, parent_fd: int | None, processes: int | None) -> None:
    """Run a worker process only, or several that are watched over."""
    from workers.app import run as work

    oms = _prepare(settings, parent_fd)
    if processes is not None:
        oms.db.close()
        sys.exit(supervise(["worker"] * processes, settings.grace_seconds))
    try:
        work(oms, settings)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@_PARENT_FD
@click.pass_obj
def scheduler(settings: Settings, parent_fd: int | None) -> None:
    """Run a scheduler only: it turns the timetable into jobs, beside any number of others."""
    from workers.app import run_scheduler

    run_scheduler(_prepare(settings, parent_fd))


@main.command()
@click.option(
    "--orders",
    type=click.IntRange(0, 10_000),
    default=300,
    show_default=True,
    help="Orders in the pretend shop.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Instead of a free one.")
@click.option("--exit-when-done", is_flag=True, help="Stop instead of running until Ctrl-C.")
def demo(orders: int, port: int, *, exit_when_done: bool) -> None:
    """Run everything with a pretend shop, two pretend vendors and a pretend carrier."""
    from app.demo.journey import DemoOptions, run_demo
    from app.demo.scene import SceneOptions

    options = DemoOptions(SceneOptions(orders=orders, port=port), exit_when_done=exit_when_done)
    sys.exit(run_demo(options, os.environ))


def _prepare(settings: Settings, parent_fd: int | None) -> "Oms":
    from oms import bootstrap

    set_up_logs(settings.log_level, settings.log_format)
    if parent_fd is not None:
        end_with_parent(parent_fd)
    oms = bootstrap.build(settings)
    try:
        bootstrap.require_schema(oms.db)
    except bootstrap.SchemaError as error:
        raise click.ClickException(str(error)) from error
    return oms


def _where(settings: Settings) -> str:
    if settings.database_url.startswith("sqlite"):
        return str(Path(settings.database_url.removeprefix("sqlite:///")))
    return settings.database_url.rpartition("@")[2]


if __name__ == "__main__":
    main()
