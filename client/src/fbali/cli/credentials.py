"""The key of a store: from the environment, a file or a prompt, never from the command line."""

from dataclasses import dataclass, field
from pathlib import Path

import click

from fbali.cli.invocation import Invocation

KEY_VARIABLE = "FBALI_CONSUMER_KEY"
SECRET_VARIABLE = "FBALI_CONSUMER_SECRET"  # noqa: S105 - A name, not a secret.

credentials_option = click.option(
    "--credentials-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Read the key from this file.",
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A consumer key and its secret."""

    key: str
    secret: str = field(repr=False)


def read_credentials(invocation: Invocation, credentials_file: str | None) -> Credentials:
    """Find the key of a store.

    Raises:
        click.UsageError: There is none and nobody can be asked, or the file is not as it should be.
    """
    if credentials_file:
        return _from_file(Path(credentials_file))
    key = invocation.environment.get(KEY_VARIABLE, "")
    secret = invocation.environment.get(SECRET_VARIABLE, "")
    if key and secret:
        return Credentials(key, secret)
    if not invocation.is_interactive:
        raise click.UsageError(
            f"the store's key is missing: set {KEY_VARIABLE} and {SECRET_VARIABLE},"
            " or name a --credentials-file"
        )
    key = key or click.prompt("Consumer key (ck_...)", err=True)
    secret = secret or click.prompt("Consumer secret (cs_...)", hide_input=True, err=True)
    return Credentials(key, secret)


def _from_file(path: Path) -> Credentials:
    import tomllib  # Help does without it.

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return Credentials(str(found["consumer_key"]), str(found["consumer_secret"]))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise click.UsageError(
            f'{path} needs the lines consumer_key = "ck_..." and consumer_secret = "cs_..."'
        ) from error
