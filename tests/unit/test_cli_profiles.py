"""Server and token are found where they belong, and a token goes to its own server only."""

import stat

import click
import pytest

from fbali.cli.connection import Choices, check_token, resolve_connection
from fbali.cli.profiles import Profile, ProfileFolder
from fbali.errors import Unauthenticated

HOME = "home.example:7443"
OTHER = "https://other.example:443"


@pytest.fixture
def environment(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path)}


@pytest.fixture
def folder(environment):
    folder = ProfileFolder(environment)
    folder.save(Profile("default", HOME, "/etc/ca.pem"), "home-token")
    folder.save(Profile("other", OTHER), "other-token")
    return folder


def test_profiles_and_tokens_are_kept_apart_and_private(folder):
    assert folder.profiles()["other"] == Profile("other", OTHER, "")
    assert folder.token("default") == "home-token"
    assert "token" not in folder.config_file.read_text().replace("tokens.toml", "")
    assert stat.S_IMODE(folder.tokens_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.config_file.parent.iterdir()) == [
        "config.toml",
        "tokens.toml",
    ]


def test_odd_characters_survive(folder):
    folder.save(Profile("odd", 'a"b\\c\x7fé'), 'x"\\y')

    assert folder.profiles()["odd"].server == 'a"b\\c\x7fé'
    assert folder.token("odd") == 'x"\\y'


def test_tokens_that_others_can_read_are_refused(folder):
    folder.tokens_file.chmod(0o640)

    with pytest.raises(click.ClickException, match="chmod 600"):
        folder.token("default")


def test_broken_config_is_named(folder):
    folder.config_file.write_text("[profiles")

    with pytest.raises(click.ClickException, match=r"cannot read .*config\.toml"):
        folder.profiles()


@pytest.mark.parametrize(
    ("choices", "variables", "server", "token", "ca_file"),
    [
        (Choices(), {}, HOME, "home-token", "/etc/ca.pem"),
        (Choices(profile="other"), {}, OTHER, "other-token", ""),
        (Choices(), {"FBALI_PROFILE": "other"}, OTHER, "other-token", ""),
        (Choices(profile="default"), {"FBALI_PROFILE": "other"}, HOME, "home-token", "/etc/ca.pem"),
        (Choices(), {"FBALI_TOKEN": "mine\n"}, HOME, "mine", "/etc/ca.pem"),
        (Choices(), {"FBALI_SERVER": "x:1", "FBALI_TOKEN": "mine"}, "x:1", "mine", ""),
        (Choices(server="y:1"), {"FBALI_SERVER": "x:1", "FBALI_TOKEN": "m"}, "y:1", "m", ""),
        (Choices(ca_file="a"), {"FBALI_CA_FILE": "b"}, HOME, "home-token", "a"),
    ],
)
def test_flag_wins_over_environment_over_profile(
    folder, choices, variables, server, token, ca_file
):
    found = resolve_connection(choices, variables, folder)

    assert (found.server, found.token, found.ca_file) == (server, token, ca_file)


def test_without_anything_the_local_server_is_meant(environment):
    with pytest.raises(Unauthenticated, match=r"not logged in to 127\.0\.0\.1:7443"):
        resolve_connection(Choices(), {}, ProfileFolder(environment))


@pytest.mark.parametrize("choices", [Choices(server="evil:1"), Choices(server=OTHER)])
def test_token_of_a_profile_is_not_sent_to_another_server(folder, choices):
    with pytest.raises(Unauthenticated, match=r"is for home\.example:7443, not for"):
        resolve_connection(choices, {}, folder)


def test_unknown_profile_is_refused_with_those_that_exist(folder):
    with pytest.raises(click.UsageError, match=r"known: default, other"):
        resolve_connection(Choices(profile="ohter"), {}, folder)


def test_logging_out_forgets_the_token_alone(folder):
    assert folder.forget_token("other")
    assert not folder.forget_token("other")

    assert folder.token("other") == ""
    assert folder.profiles()["other"].server == OTHER


@pytest.mark.parametrize("text", ["", " \n", "two words", "tök", "a\x1bb"])
def test_what_cannot_be_a_token_is_refused(text):
    with pytest.raises(click.UsageError, match="no token"):
        check_token(text)


@pytest.mark.parametrize("name", ["", "a.b", "a]b", "a\nb", "x" * 65])
def test_name_that_would_break_the_file_is_refused(folder, name):
    with pytest.raises(click.UsageError, match="cannot be a profile's name"):
        folder.save(Profile(name, HOME), "t")
