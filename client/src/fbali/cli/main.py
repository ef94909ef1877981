"""The start of `fbali`: the registry of nouns, and how every run ends."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from fbali.cli.command import Entry, LazyGroup
from fbali.cli.exit_codes import ExitCode
from fbali.cli.failures import Failure, failure_of, report, usage_failure
from fbali.cli.invocation import Invocation
from fbali.errors import FbaliError

REGISTRY: Mapping[str, Entry] = {
    "orders": Entry(
        "fbali.cli.commands.orders:orders", "See orders with vendors, costs and parcels."
    ),
    "sync": Entry("fbali.cli.commands.sync:sync", "Fetch new and changed orders from the stores."),
    "stores": Entry("fbali.cli.commands.stores:stores", "Connect and watch over web stores."),
    "products": Entry(
        "fbali.cli.commands.products:products", "See products and what waits for a vendor."
    ),
    "hosting": Entry(
        "fbali.cli.commands.hosting:hosting", "Say which vendor fulfils which product."
    ),
    "exchange-rates": Entry(
        "fbali.cli.commands.exchange_rates:exchange_rates",
        "Record exchange rates for margins and reports.",
    ),
    "reports": Entry(
        "fbali.cli.commands.reports:reports", "See what was sold, what it cost, and what stays."
    ),
    "vendors": Entry("fbali.cli.commands.vendors:vendors", "Invite, suspend and resume vendors."),
    "write-backs": Entry(
        "fbali.cli.commands.write_backs:write_backs", "See what stores are told, try what failed."
    ),
    "allocations": Entry(
        "fbali.cli.commands.allocations:allocations", "For vendors: answer, ship and charge orders."
    ),
    "partnerships": Entry(
        "fbali.cli.commands.partnerships:partnerships", "For vendors: see and accept invitations."
    ),
    "merchants": Entry(
        "fbali.cli.commands.merchants:merchants", "For operators: create and list merchants."
    ),
    "tokens": Entry(
        "fbali.cli.commands.tokens:tokens", "For operators and vendors: issue and revoke tokens."
    ),
    "jobs": Entry("fbali.cli.commands.jobs:jobs", "For operators: see and settle background work."),
    "auth": Entry("fbali.cli.commands.auth:auth", "Log in, log out, see who you are."),
    "completion": Entry(
        "fbali.cli.commands.completion:completion",
        "Print the script that makes a shell complete fbali.",
    ),
    "help": Entry("fbali.cli.commands.topics:topics", "Read about exit codes, names and settings."),
}


@click.group(
    cls=LazyGroup, registry=REGISTRY, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="fbali", message="fbali %(version)s")
def root() -> None:
    """Manage orders that several vendors fulfil.

    Start with: fbali auth login, fbali stores connect, fbali sync, fbali orders list.
    """


def main() -> NoReturn:
    """Run the command line that the program was started with."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # A name must not stop a list.
    sys.exit(run(sys.argv[1:], os.environ))  # noqa: TID251 - The one place that reads it.


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command line and give its exit code; no exception leaves it."""
    invocation = Invocation(environment)
    try:
        result = root.main(list(arguments), "fbali", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except Exception as error:  # noqa: BLE001 - The edge: a person never sees a traceback unasked.
        if invocation.choices.debug:
            _print_trace()
        failure = _describe(error)
        report(failure, as_json=invocation.is_json)
        return failure.exit_code
    return result if isinstance(result, int) else ExitCode.OK


def _print_trace() -> None:
    import traceback  # Rarely needed.

    traceback.print_exc()


def _describe(error: Exception) -> Failure:
    if isinstance(error, FbaliError):
        return failure_of(error)
    if isinstance(error, click.ClickException):
        return usage_failure(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return Failure(ExitCode.ERROR, f"{place}{error.strerror or error}")
    words = f"this is an error of fbali itself: {type(error).__name__}: {error}"
    return Failure(ExitCode.ERROR, words, "repeat it with --debug and report what it says")


if __name__ == "__main__":
    main()
