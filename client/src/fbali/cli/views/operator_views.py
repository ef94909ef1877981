"""Shows merchants, vendors, tokens and jobs to the operator, and everyone who he is."""

from collections.abc import Iterable, Iterator

from fbali.cli.connection import Connection
from fbali.cli.document import Block, Cell, Column, Fields, Heading, Table, Tone, Word
from fbali.cli.views.values import last_part, moment
from fbali.cli.views.words import text_of, word
from fbali.v1.admin_service_pb2 import GetServerInfoResponse
from fbali.v1.job_pb2 import Job, JobState
from fbali.v1.merchant_pb2 import Merchant
from fbali.v1.token_pb2 import Role, Token
from fbali.v1.vendor_pb2 import Vendor

_JOB_COLUMNS = [
    Column("KIND"),
    Column("STATE"),
    Column("FAILED", right=True, spare=2),
    Column("CRASHED", right=True, spare=3),
    Column("DUE", spare=1),
    Column("LAST ERROR", flexible=True, width_min=20),
    Column("ID"),
]


def caller_document(found: GetServerInfoResponse, connection: Connection) -> Iterator[Block]:
    """Show who the caller is, for whom and where."""
    yield Heading(found.caller_display_name or "operator", Word(text_of(Role, found.caller_role)))
    yield Fields(
        [
            ("Id", found.caller),
            ("Server", f"{connection.server}, version {found.version}"),
            ("Token from", connection.token_source),
            ("The server can", ", ".join(found.capabilities)),
            ("Does not work", "; ".join(found.problems)),
        ]
    )


def account_list(accounts: Iterable[Merchant | Vendor], noun: str) -> Iterator[Block]:
    """Show merchants, or vendors."""
    rows: list[list[Cell]] = [
        [one.display_name, moment(one, "create_time"), last_part(one.name)] for one in accounts
    ]
    columns = [Column(noun.upper(), flexible=True), Column("SINCE"), Column("ID")]
    yield Table(columns, rows, f"No {noun}s.")


def token_list(tokens: Iterable[Token]) -> Iterator[Block]:
    """Show tokens without their secrets."""
    rows: list[list[Cell]] = [
        [
            token.display_name,
            text_of(Role, token.role),
            token.principal,
            _token_end(token),
            moment(token, "create_time"),
            last_part(token.name),
        ]
        for token in tokens
    ]
    columns = [
        Column("TOKEN", flexible=True),
        Column("ROLE", spare=3),
        Column("OF", spare=4),
        Column("ENDS"),
        Column("ISSUED", spare=2),
        Column("ID"),
    ]
    yield Table(columns, rows, "No tokens.")


def job_list(jobs: Iterable[Job]) -> Iterator[Block]:
    """Show background work."""
    rows: list[list[Cell]] = [
        [
            job.kind,
            word(JobState, job.state),
            job.failure_count,
            job.crash_count,
            moment(job, "due_time"),
            job.last_error,
            last_part(job.name),
        ]
        for job in jobs
    ]
    yield Table(_JOB_COLUMNS, rows, "No jobs.")


def _token_end(token: Token) -> Cell:
    if token.HasField("revoke_time"):
        return Word("revoked", Tone.QUIET)
    return moment(token, "expire_time") or "never"
