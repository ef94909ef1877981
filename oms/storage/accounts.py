"""Merchants, vendors, partnerships and tokens."""

import hashlib
from collections.abc import Collection, Sequence

from oms.domain.accounts import Merchant, Partnership, Token, Vendor
from oms.domain.errors import AlreadyExists, NotFound
from oms.domain.partnerships import PartnershipState
from oms.domain.principals import Role
from oms.storage.database import Database, Row, marks


def hash_secret(secret: str) -> str:
    """Hash a token's secret; its 128 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def insert_merchant(db: Database, merchant: Merchant) -> None:
    """Write a merchant."""
    db.run(
        "INSERT INTO merchant (id, display_name, created_at) VALUES (?, ?, ?)",
        merchant.id,
        merchant.display_name,
        merchant.created_at,
    )


def merchants(db: Database, after: str, limit: int) -> list[Merchant]:
    """Return merchants with an id above `after`, oldest first."""
    rows = db.all(
        "SELECT id, display_name, created_at FROM merchant WHERE id > ? ORDER BY id LIMIT ?",
        after,
        limit,
    )
    return [Merchant(*row) for row in rows]


def insert_vendor(db: Database, vendor: Vendor) -> None:
    """Write a vendor."""
    db.run(
        "INSERT INTO vendor (id, display_name, created_at) VALUES (?, ?, ?)",
        vendor.id,
        vendor.display_name,
        vendor.created_at,
    )


def vendors(db: Database, after: str, limit: int) -> list[Vendor]:
    """Return vendors with an id above `after`, oldest first."""
    rows = db.all(
        "SELECT id, display_name, created_at FROM vendor WHERE id > ? ORDER BY id LIMIT ?",
        after,
        limit,
    )
    return [Vendor(*row) for row in rows]


def lock_vendor(db: Database, vendor_id: str) -> None:
    """Let nobody else announce parcels of a vendor in batches; SQLite is locked already."""
    if db.lock_rows:
        db.one(f"SELECT id FROM vendor WHERE id = ?{db.lock_rows}", vendor_id)


def vendor_names(db: Database, vendor_ids: Sequence[str]) -> dict[str, str]:
    """Return what people call vendors, by id."""
    rows = db.all(
        f"SELECT id, display_name FROM vendor WHERE id IN ({marks(vendor_ids)})", *vendor_ids
    )
    return {row[0]: row[1] for row in rows}


def display_name(db: Database, role: Role, principal_id: str) -> str:
    """Return what people call a principal; raises NotFound."""
    if role == Role.OPERATOR:
        return "operator"
    table = "merchant" if role == Role.MERCHANT else "vendor"
    row = db.one(f"SELECT display_name FROM {table} WHERE id = ?", principal_id)
    if row is None:
        raise NotFound.of(f"{table}s/{principal_id}")
    return str(row[0])


# --- Partnerships -----------------------------------------------------------------------------

_PARTNERSHIP = (
    "SELECT p.merchant_id, p.vendor_id, p.state, p.acceptance_required, p.acceptance_hours,"
    " p.version, p.created_at, m.display_name, v.display_name FROM partnership p"
    " JOIN merchant m ON m.id = p.merchant_id JOIN vendor v ON v.id = p.vendor_id"
)


def insert_partnership(db: Database, partnership: Partnership) -> None:
    """Write a partnership; raises AlreadyExists."""
    inserted = db.run(
        "INSERT INTO partnership (merchant_id, vendor_id, state, acceptance_required,"
        " acceptance_hours, version, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        partnership.merchant_id,
        partnership.vendor_id,
        partnership.state.value,
        partnership.acceptance_required,
        partnership.acceptance_hours,
        partnership.version,
        partnership.created_at,
    )
    if not inserted:
        name = f"merchants/{partnership.merchant_id}/partnerships/{partnership.vendor_id}"
        raise AlreadyExists(f"{name} exists already", resource=name)


def partnership(
    db: Database, merchant_id: str, vendor_id: str, *, lock: bool = False
) -> Partnership:
    """Read one partnership; raises NotFound."""
    locked = f"{db.lock_rows} OF p" if lock and db.lock_rows else ""
    row = db.one(
        f"{_PARTNERSHIP} WHERE p.merchant_id = ? AND p.vendor_id = ?{locked}",
        merchant_id,
        vendor_id,
    )
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/partnerships/{vendor_id}")
    return _partnership(row)


def partnerships_of_merchant(
    db: Database, merchant_id: str, after: str, limit: int
) -> list[Partnership]:
    """Return a merchant's partnerships with a vendor id above `after`."""
    rows = db.all(
        f"{_PARTNERSHIP} WHERE p.merchant_id = ? AND p.vendor_id > ? ORDER BY p.vendor_id LIMIT ?",
        merchant_id,
        after,
        limit,
    )
    return [_partnership(row) for row in rows]


def partnerships_of_vendor(
    db: Database, vendor_id: str, after: str, limit: int
) -> list[Partnership]:
    """Return a vendor's partnerships with a merchant id above `after`."""
    rows = db.all(
        f"{_PARTNERSHIP} WHERE p.vendor_id = ? AND p.merchant_id > ?"
        " ORDER BY p.merchant_id LIMIT ?",
        vendor_id,
        after,
        limit,
    )
    return [_partnership(row) for row in rows]


def move_partnership(db: Database, found: Partnership, state: PartnershipState) -> None:
    """Change a partnership's state; it was read with a lock."""
    db.run(
        "UPDATE partnership SET state = ?, version = version + 1"
        " WHERE merchant_id = ? AND vendor_id = ?",
        state.value,
        found.merchant_id,
        found.vendor_id,
    )


def _partnership(row: Row) -> Partnership:
    return Partnership(
        merchant_id=row[0],
        vendor_id=row[1],
        state=PartnershipState(row[2]),
        acceptance_required=bool(row[3]),
        acceptance_hours=row[4],
        version=row[5],
        created_at=row[6],
        merchant_display_name=row[7],
        vendor_display_name=row[8],
    )


# --- Tokens -----------------------------------------------------------------------------------

_TOKENS_AT_ONCE = 500
_BEARER = (
    "SELECT id, role, principal_id, display_name, created_at, expire_at, revoked_at FROM token"
)


def insert_token(db: Database, token: Token, secret: str) -> None:
    """Write a token; only the hash of its secret is kept."""
    db.run(
        "INSERT INTO token (id, secret_hash, role, principal_id, display_name, created_at,"
        " expire_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        token.id,
        hash_secret(secret),
        token.role.value,
        token.principal_id,
        token.display_name,
        token.created_at,
        token.expire_at,
    )


def token_of_secret(db: Database, secret: str) -> Token | None:
    """Find the token of a secret, also an expired or revoked one."""
    row = db.one(f"{_BEARER} WHERE secret_hash = ?", hash_secret(secret))
    return None if row is None else _token(row)


def valid_tokens(db: Database, token_ids: Collection[str], now_ms: int) -> set[str]:
    """Tell which of some tokens are neither revoked nor expired; a statement for 500 of them."""
    ids = sorted(token_ids)
    valid: set[str] = set()
    for start in range(0, len(ids), _TOKENS_AT_ONCE):
        some = ids[start : start + _TOKENS_AT_ONCE]
        rows = db.all(
            f"SELECT id FROM token WHERE id IN ({marks(some)}) AND revoked_at IS NULL"
            " AND (expire_at IS NULL OR expire_at > ?)",
            *some,
            now_ms,
        )
        valid.update(row[0] for row in rows)
    return valid


def token(db: Database, token_id: str, owner_id: str | None) -> Token:
    """Read a token, of one owner or (None) of anybody; raises NotFound."""
    row = db.one(f"{_BEARER} WHERE id = ?", token_id)
    if row is None or owner_id not in (None, row[2]):
        raise NotFound.of(f"tokens/{token_id}")
    return _token(row)


def tokens(db: Database, owner_id: str | None, before: str, limit: int) -> list[Token]:
    """Return tokens, newest first, older than the id `before`, of one owner or (None) of all."""
    rows = db.all(
        f"{_BEARER} WHERE (? = '' OR id < ?) AND (? = 1 OR principal_id = ?)"
        " ORDER BY id DESC LIMIT ?",
        before,
        before,
        int(owner_id is None),
        owner_id or "",
        limit,
    )
    return [_token(row) for row in rows]


def revoke_token(db: Database, token_id: str, now_ms: int) -> None:
    """Revoke a token; the first revocation counts."""
    db.run("UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", now_ms, token_id)


def _token(row: Row) -> Token:
    return Token(
        id=row[0],
        role=Role(row[1]),
        principal_id=row[2],
        display_name=row[3],
        created_at=row[4],
        expire_at=row[5],
        revoked_at=row[6],
    )
