"""What a check of the installation comes to, and how that is told."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from oms.settings import Settings

_HIDDEN: Final = "..."


class Verdict(StrEnum):
    """OK; it works and somebody should look; it does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


EXIT_CODES: Final = {Verdict.OK: 0, Verdict.WARN: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `advice` says what to do, empty when nothing is."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def ok(found: str) -> tuple[Verdict, str, str]:
    """Say that there is nothing to do."""
    return Verdict.OK, found, ""


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 when all is well, 1 when somebody should look, 2 when something does not work."""
    return max(EXIT_CODES[finding.verdict] for finding in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """Write a line for each check, with what to do."""
    width = max(len(finding.check) for finding in findings)
    return "\n".join(
        f"{finding.verdict:4}  {finding.check:{width}}  {finding.found}"
        + (f" -> {finding.advice}" if finding.advice else "")
        for finding in findings
    )


def as_json(findings: Sequence[Finding]) -> str:
    """Write the worst verdict and all findings as one document."""
    worst = max((finding.verdict for finding in findings), key=lambda verdict: EXIT_CODES[verdict])
    return json.dumps({"verdict": worst, "checks": [asdict(one) for one in findings]}, indent=2)


def discretion(settings: Settings) -> Callable[[str], str]:
    """Return what makes a text one plain line without any secret of the settings."""
    secrets = {settings.tracking_token}
    for url in (settings.database_url, settings.broker_url):
        secrets |= _secrets_of(url)
    hidden = sorted(filter(None, secrets), key=len, reverse=True)

    def tell(text: str) -> str:
        line = " ".join(text.split())
        for secret in hidden:
            line = line.replace(secret, _HIDDEN)
        return "".join(char if char.isprintable() else "?" for char in line)

    return tell


def _secrets_of(url: str) -> set[str]:
    """Collect what may be a password, as it is written and as it is meant."""
    userinfo = url.partition("://")[2].rpartition("@")[0]
    written = userinfo.partition(":")[2]
    try:
        query = urlsplit(url).query
    except ValueError:
        query = url.partition("?")[2]
    asked = {value for key, value in parse_qsl(query) if "pass" in key.lower()}
    return {written, unquote(written), *asked}
