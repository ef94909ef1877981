"""Cases that nobody moved on in time."""

from oms.storage.database import Database


def out_of_time(db: Database, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Return (case id, order id) of cases whose deadline has passed, the oldest first."""
    rows = db.all(
        "SELECT id, order_id FROM after_sales_case WHERE deadline_at IS NOT NULL"
        " AND deadline_at <= ? ORDER BY deadline_at LIMIT ?",
        now_ms,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


def put_off(db: Database, case_id: str, until: int) -> None:
    """Let a case wait until another instant (epoch ms)."""
    db.run("UPDATE after_sales_case SET deadline_at = ? WHERE id = ?", until, case_id)
