"""Reports a failure as one line, or as one JSON object, with what to do next."""

import json
from dataclasses import dataclass, field
from typing import Any

import click

from fbali import errors
from fbali.cli.exit_codes import ExitCode, exit_code_of
from fbali.cli.terminal_text import neutral

_VIOLATIONS_MAX = 5

_NEXT_BY_REASON = {
    "ROLE_NOT_ALLOWED": "see who you are with: fbali auth status; or choose another --profile",
    "PAGE_TOKEN_INVALID": "start again without --page-token, or repeat it with the same options",
    "PARTNERSHIP_INACTIVE": "see how far it is with: fbali vendors list",
    "STORE_DISCONNECTED": "connect it again with: fbali stores update STORE --new-credentials",
    "ETAG_MISMATCH": "somebody else changed it meanwhile: look at it again and repeat the command",
}

_LIST_BY_COLLECTION = {
    "allocations": "fbali allocations list",
    "hostings": "fbali hosting list",
    "jobs": "fbali jobs list",
    "lines": "fbali orders show ORDER",
    "orders": "fbali orders list --all",
    "packages": "fbali allocations show ALLOCATION",
    "partnerships": "fbali vendors list",
    "products": "fbali products list",
    "merchants": "fbali merchants list",
    "stores": "fbali stores list",
    "syncRuns": "fbali stores runs STORE",
    "tokens": "fbali tokens list",
    "variants": "fbali products show PRODUCT",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told about a failure: the sentence, the next step, and facts for programs."""

    exit_code: ExitCode
    message: str
    next_step: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def failure_of(error: errors.FbaliError) -> Failure:
    """Describe a refusal of the server or of the client."""
    message = error.message
    shown = [f"{one.field}: {one.description}" for one in error.violations]
    if shown and error.violations[0].description not in message:
        message = f"{message}: {'; '.join(shown[:_VIOLATIONS_MAX])}"
    facts = {
        "family": type(error).__name__,
        "code": error.code,
        "reason": error.reason,
        "metadata": dict(error.metadata),
        "violations": [{"field": o.field, "description": o.description} for o in error.violations],
        "request_id": error.request_id,
        "retryable": isinstance(error, errors.Unavailable | errors.LimitExceeded),
    }
    return Failure(exit_code_of(error), message, _next_step(error), facts)


def usage_failure(error: click.ClickException) -> Failure:
    """Describe a wrong command line or an unreadable file."""
    if not isinstance(error, click.UsageError):
        return Failure(ExitCode.ERROR, error.format_message())
    help_command = f"{error.ctx.command_path} --help" if error.ctx else "fbali --help"
    message = error.format_message().rstrip(".")
    next_step = "" if "run: " in message else f"see: {help_command}"
    return Failure(ExitCode.USAGE, message, next_step)


def report(failure: Failure, *, as_json: bool) -> None:
    """Write a failure to standard error."""
    if as_json:
        document = {
            "error": {
                "message": failure.message,
                "next_step": failure.next_step,
                "exit_code": int(failure.exit_code),
                **failure.facts,
            }
        }
        click.echo(json.dumps(document), err=True)
        return
    next_step = f"; {failure.next_step}" if failure.next_step else ""
    click.echo(neutral(f"error: {failure.message}{next_step}"), err=True)


def _next_step(error: errors.FbaliError) -> str:
    """Say what to do about an error, or nothing when its message says all there is."""
    step = _NEXT_BY_REASON.get(error.reason, "")
    match error:
        case errors.NotFound():
            step = _look_again(error.metadata.get("resource", ""))
        case errors.Unauthenticated():
            step = "run: fbali auth login"
        case errors.Unavailable() if not error.reason:
            step = "is it running there? choose another one with --server"
        case errors.Unavailable() if error.reason.startswith("GATEWAY_"):
            step = ""  # The server knows the store and has said what to do.
        case errors.Unavailable() | errors.LimitExceeded():
            step = step or _try_again(error)
        case errors.DeadlineExceeded():
            step = "look whether it was done before you repeat it"
        case errors.ServerError() if error.request_id:
            step = f"tell the operator this request id: {error.request_id}"
    return step


def _try_again(error: errors.FbaliError) -> str:
    if error.retry_after_seconds:
        return f"try again in {max(1, round(error.retry_after_seconds))} s"
    return "try again later"


def _look_again(resource: str) -> str:
    collection = resource.split("/")[-2] if resource.count("/") else ""
    if collection == "vendors":
        return "ask the vendor for its id; operators see all with: fbali vendors all"
    command = _LIST_BY_COLLECTION.get(collection)
    return f"see what there is with: {command}" if command else ""
