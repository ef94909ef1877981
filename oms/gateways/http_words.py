"""The words that failures of outside systems are told in."""

import html
import re
from dataclasses import dataclass
from typing import Final

from oms.domain.errors import GatewayError

WORDS_CHARACTERS_MAX: Final = 200  # Of what the other side says, in our messages.
_MARKUP: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of outside system is named, and what to check when it refuses."""

    subject: str
    if_refused: str
    if_missing: str


def malformed(subject: str, found: str) -> GatewayError:
    """Say that an answer came which is not what was asked for."""
    message = f"{subject} did not answer as expected: {found}"
    return GatewayError(message, reason="GATEWAY_ANSWER_MALFORMED")


def plain_words(text: str) -> str:
    """Make what the other side says fit for our message: one line, no markup, bounded."""
    shown = " ".join(html.unescape(_MARKUP.sub(" ", text)).split())
    printable = "".join(character for character in shown if character.isprintable())
    bound = WORDS_CHARACTERS_MAX
    return printable if len(printable) <= bound else printable[: bound - 3] + "..."


def is_web_page(text: str) -> bool:
    """Tell whether markup came where data was asked for."""
    start = text.lstrip()[:20].lower()
    return start.startswith(("<!doctype", "<html", "<head", "<body", "<br", "<b>", "<p", "<div"))
