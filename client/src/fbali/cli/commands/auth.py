"""`fbali auth`: log in, log out, see who you are."""

import dataclasses
import sys
from pathlib import Path

import click

from fbali.cli.command import Noun, fields_option
from fbali.cli.connection import (
    DEFAULT_SERVER,
    Connection,
    check_token,
    chosen_profile,
)
from fbali.cli.invocation import Invocation
from fbali.cli.profiles import Profile, check_profile_name


@click.group(cls=Noun)
def auth() -> None:
    """Log in, log out, see who you are."""


@auth.command("login", example="fbali auth login --server 127.0.0.1:7443 < token.txt")
@click.pass_obj
def login(invocation: Invocation) -> None:
    """Keep a server and a token as a profile.

    The token is asked for, or read from standard input; never write it into a command line. The
    server is asked who it belongs to before anything is kept. Without --profile the profile is
    called default; without --server it is 127.0.0.1:7443.
    """
    from fbali.cli.views.operator_views import caller_document
    from fbali.v1.admin_service_pb2 import GetServerInfoRequest

    wanted = _wanted_connection(invocation)
    token = check_token(_read_token(invocation, wanted.server))
    connection = dataclasses.replace(wanted, token=token)
    found = invocation.connect(connection).admin.GetServerInfo(GetServerInfoRequest())
    # Commands run in other folders too.
    ca_file = str(Path(connection.ca_file).absolute()) if connection.ca_file else ""
    profile = Profile(connection.profile, connection.server, ca_file)
    invocation.folder.save(profile, token)
    invocation.answer(found, lambda: caller_document(found, connection))
    invocation.say(f"Logged in; the token is kept in {invocation.folder.tokens_file}")


@auth.command("status", example="fbali auth status")
@fields_option
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Show who you are, in which role, and on which server."""
    from fbali.cli.views.operator_views import caller_document
    from fbali.v1.admin_service_pb2 import GetServerInfoRequest

    found = invocation.client.admin.GetServerInfo(GetServerInfoRequest())
    invocation.answer(found, lambda: caller_document(found, invocation.connection))


@auth.command("logout", example="fbali auth logout")
@click.pass_obj
def logout(invocation: Invocation) -> None:
    """Forget the token of a profile.

    The token itself stays valid until it is revoked: fbali tokens revoke.
    """
    name = chosen_profile(invocation.choices, invocation.environment)
    had_token = invocation.folder.forget_token(name)
    words = "Logged out of" if had_token else "There was no token in"
    invocation.say(f"{words} profile {name}.")
    if invocation.is_json or invocation.is_streamed:
        invocation.answer({"profile": name, "logged_out": had_token}, list)


def _wanted_connection(invocation: Invocation) -> Connection:
    choices, environment = invocation.choices, invocation.environment
    name = chosen_profile(choices, environment)
    check_profile_name(name)
    known = invocation.folder.profiles().get(name, Profile(name, ""))
    server = choices.server or environment.get("FBALI_SERVER") or known.server or DEFAULT_SERVER
    own_ca_file = known.ca_file if server == known.server else ""
    ca_file = choices.ca_file or environment.get("FBALI_CA_FILE") or own_ca_file
    return Connection(name, server, ca_file, "", f"profile {name}")


def _read_token(invocation: Invocation, server: str) -> str:
    if invocation.is_interactive:
        answer: str = click.prompt(f"Token for {server}", hide_input=True, err=True)
        return answer
    if sys.stdin.isatty():
        raise click.UsageError("the token is missing: write it to standard input")
    return sys.stdin.read()
