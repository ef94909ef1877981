"""Decides which server is asked with which token: flag, else environment, profile, default."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import click

from fbali.cli.profiles import Profile, ProfileFolder
from fbali.errors import ErrorDetails, Unauthenticated

DEFAULT_PROFILE = "default"
DEFAULT_SERVER = "127.0.0.1:7443"
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(slots=True)
class Choices:
    """What the flags of a command line say; None where they say nothing."""

    output: str | None = None
    fields: str | None = None
    profile: str | None = None
    server: str | None = None
    ca_file: str | None = None
    no_input: bool | None = None
    debug: bool | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Where to connect and as whom; `token_source` says where the token is from."""

    profile: str
    server: str
    ca_file: str
    token: str
    token_source: str


def resolve_connection(
    choices: Choices, environment: Mapping[str, str], folder: ProfileFolder
) -> Connection:
    """Choose server and token. A profile's token is sent to that profile's server only.

    Raises:
        click.UsageError: The profile that was asked for does not exist.
        Unauthenticated: There is no token for the server.
    """
    name = chosen_profile(choices, environment)
    profiles = folder.profiles()
    if name not in profiles and (choices.profile or environment.get("FBALI_PROFILE")):
        known = ", ".join(profiles) or "none"
        raise click.UsageError(
            f"there is no profile {name!r} (known: {known}); run: fbali auth login --profile {name}"
        )
    profile = profiles.get(name, Profile(name, ""))
    server = choices.server or environment.get("FBALI_SERVER") or profile.server or DEFAULT_SERVER
    own_ca_file = profile.ca_file if server == profile.server else ""
    ca_file = choices.ca_file or environment.get("FBALI_CA_FILE") or own_ca_file
    token, source = _find_token(server, profile, environment, folder)
    return Connection(name, server, ca_file, token, source)


def chosen_profile(choices: Choices, environment: Mapping[str, str]) -> str:
    """Name the profile that a command works with."""
    return choices.profile or environment.get("FBALI_PROFILE") or DEFAULT_PROFILE


def check_token(text: str) -> str:
    """Strip a token of the line end that a pipe adds.

    Raises:
        click.UsageError: It is empty or has characters that no token has.
    """
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise click.UsageError("that is no token: it is empty or has blanks or other characters")
    return token


def _find_token(
    server: str, profile: Profile, environment: Mapping[str, str], folder: ProfileFolder
) -> tuple[str, str]:
    if environment.get("FBALI_TOKEN"):
        return check_token(environment["FBALI_TOKEN"]), "FBALI_TOKEN"
    token = folder.token(profile.name)
    if token and server == profile.server:
        return token, f"profile {profile.name}"
    problem = f"not logged in to {server}"
    if token:
        problem = f"the token of profile {profile.name} is for {profile.server}, not for {server}"
    raise Unauthenticated(problem, ErrorDetails(reason="TOKEN_MISSING"))
