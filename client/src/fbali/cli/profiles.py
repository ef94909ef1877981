"""The files below ~/.config/fbali: config.toml with the profiles, tokens.toml with their secrets.

Both are written by us alone and replaced as a whole; tokens.toml is readable by its owner only and
is refused when others can read it.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER = "# Written by `fbali auth login` and `fbali auth logout`.\n"


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a profile's server is, and which authorities it trusts instead of the public ones."""

    name: str
    server: str
    ca_file: str = ""


class ProfileFolder:
    """Reads and writes the profiles of one person."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look below XDG_CONFIG_HOME, or ~/.config when it is not set."""
        home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        folder = Path(home) / "fbali"
        self.config_file = folder / "config.toml"
        self.tokens_file = folder / "tokens.toml"

    def profiles(self) -> dict[str, Profile]:
        """Give all profiles by name."""
        found = _read_toml(self.config_file).get("profiles", {})
        return {
            name: Profile(name, str(values.get("server", "")), str(values.get("ca_file", "")))
            for name, values in found.items()
            if isinstance(values, dict)
        }

    def token(self, name: str) -> str:
        """Give a profile's token, or nothing when it is logged out."""
        return self._tokens().get(name, "")

    def save(self, profile: Profile, token: str) -> None:
        """Keep a profile and its token, in place of what it was before."""
        check_profile_name(profile.name)
        tokens = self._tokens() | {profile.name: token}
        self._write_tokens(tokens)
        profiles = self.profiles() | {profile.name: profile}
        parts = [_HEADER]
        for one in profiles.values():
            parts.append(f"\n[profiles.{one.name}]\nserver = {_quoted(one.server)}\n")
            if one.ca_file:
                parts.append(f"ca_file = {_quoted(one.ca_file)}\n")
        _replace(self.config_file, "".join(parts))

    def forget_token(self, name: str) -> bool:
        """Remove a profile's token; tell whether there was one."""
        tokens = self._tokens()
        had_one = tokens.pop(name, None) is not None
        if had_one:
            self._write_tokens(tokens)
        return had_one

    def _tokens(self) -> dict[str, str]:
        if self.tokens_file.exists() and self.tokens_file.stat().st_mode & (
            stat.S_IRWXG | stat.S_IRWXO
        ):
            raise click.ClickException(
                f"{self.tokens_file} can be read by others; run: chmod 600 {self.tokens_file}"
            )
        found = _read_toml(self.tokens_file).get("tokens", {})
        return {name: str(token) for name, token in found.items()}

    def _write_tokens(self, tokens: Mapping[str, str]) -> None:
        lines = [f"{name} = {_quoted(token)}\n" for name, token in tokens.items()]
        _replace(self.tokens_file, f"{_HEADER}\n[tokens]\n{''.join(lines)}")


def check_profile_name(name: str) -> None:
    """Refuse a name that cannot be a profile's.

    Raises:
        click.UsageError: It has other characters than letters, digits, - and _.
    """
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} cannot be a profile's name; use letters, digits, - and _")


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # Help does without it.

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"cannot read {path}: {error}; correct or remove it") from error


def _quoted(text: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's, but for DEL, which JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _replace(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; a crash leaves the old one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
