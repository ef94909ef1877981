"""The operator's command `fbali-server`."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.beginning import once_there
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
        except OSError as error:  # A disk that is full, a folder that may not be written.
            raise click.ClickException(str(error)) from error


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
        if context.invoked_subcommand == "doctor":
            click.echo(f"Error: {error}", err=True)
            context.exit(2)  # As a check that fails: nothing can work so.
        raise click.ClickException(str(error)) from error


@main.command()
@click.pass_obj
def init(settings: Settings) -> None:
    """Set up the database and issue the first operator token."""
    from oms import bootstrap
    from oms.domain.principals import Role
    from oms.usecases.context import Transaction
    from oms.usecases.manage_accounts import IssueToken, issue_token

    _migrate(settings)
    oms = bootstrap.build(settings)
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        issued = issue_token(tx, IssueToken(Role.OPERATOR, "", "fbali-server init"))
    click.echo(f"The database is ready: {bootstrap.where(settings)}", err=True)
    click.echo("Operator token, shown this once (keep it, or pipe it on):", err=True)
    click.echo(issued.secret)
    click.echo("Next: `fbali-server run`, and in another terminal `fbali auth login`", err=True)


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database up to date."""
    names = _migrate(settings)
    click.echo("\n".join(names) or "the database is up to date")


@main.command()
@_PARENT_FD
@click.pass_obj
def run(settings: Settings, parent_fd: int | None) -> None:
    """Run API and worker on this machine until Ctrl-C."""
    if parent_fd is not None:
        end_with_parent(parent_fd)
    set_up_logs(settings.log_level, settings.log_format)
    once_there(lambda: _migrate(settings))
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
    except (RuntimeError, SettingsError) as error:  # The address is taken, the certificate wrong.
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
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def doctor(settings: Settings, output: str) -> None:
    """Check this installation. Exit code 0: well; 1: somebody should look; 2: something fails."""
    from app.doctor import Doctor
    from app.findings import as_json, as_text, exit_code

    logging.disable()  # What the checks find is said in their lines.
    findings = Doctor(settings).examine()
    click.echo(as_json(findings) if output == "json" else as_text(findings))
    sys.exit(exit_code(findings))


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def backup(settings: Settings, target: Path) -> None:
    """Save database and photos into a new folder TARGET, while the server runs."""
    from app.backup import make_backup

    made = make_backup(settings, target)
    size = sum(bytes_of for bytes_of, _ in made.files.values())
    click.echo(f"{target}: {made.orders} orders, {len(made.files)} files, {size} bytes")


@main.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a database that has data.")
@click.pass_obj
def restore(settings: Settings, source: Path, *, force: bool) -> None:
    """Put database and photos back from the backup SOURCE. All processes must be stopped."""
    from app.restore import restore_backup
    from oms import bootstrap

    made = restore_backup(settings, source, is_forced=force)
    click.echo(f"restored {made.orders} orders as of {made.made_at}: checked, and sound")
    if bootstrap.open_database(settings).pending_migrations():
        click.echo("Next: `fbali-server migrate`; the backup is of an older version", err=True)


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


def _migrate(settings: Settings) -> list[str]:
    """Migrate a schema that this program knows; refuse a newer one."""
    from oms import bootstrap

    try:
        return bootstrap.migrate(settings)
    except bootstrap.SchemaError as error:
        raise click.ClickException(str(error)) from error


def _prepare(settings: Settings, parent_fd: int | None) -> "Oms":
    from oms import bootstrap

    set_up_logs(settings.log_level, settings.log_format)
    if parent_fd is not None:
        end_with_parent(parent_fd)
    oms = bootstrap.build(settings)
    try:
        once_there(lambda: bootstrap.require_schema(oms.db))
    except bootstrap.SchemaError as error:
        raise click.ClickException(str(error)) from error
    return oms


if __name__ == "__main__":
    main()
