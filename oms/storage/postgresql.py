"""How PostgreSQL is connected to: every wait has a bound."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg.conninfo import conninfo_to_dict

# What the operator writes into the address goes before these.
_BOUNDS: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # A host that is gone says nothing: unanswered for so long, in ms.
    # Compiling a statement takes longer than any of ours runs: 15 ms before a page of orders.
    "options": "-c jit=off -c statement_timeout=30s -c lock_timeout=15s"
    " -c idle_in_transaction_session_timeout=60s",
    "application_name": "fbali",
}


def connection_settings(url: str) -> dict[str, Any]:
    """Read an address as libpq does; `dbname` is always there."""
    return {"dbname": "postgres", **_BOUNDS, **conninfo_to_dict(url)}
