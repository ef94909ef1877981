"""After-sales policies: one per partnership, as a document that cases keep a copy of."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from oms.domain.claims import AfterSalesPolicy, IssueType
from oms.domain.errors import NotFound
from oms.domain.principals import Principal, Role
from oms.storage.database import Database, marks

DEFAULT = AfterSalesPolicy()


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy of a partnership; its version is 0 while nobody set it."""

    merchant_id: str
    vendor_id: str
    policy: AfterSalesPolicy
    version: int


def encode(policy: AfterSalesPolicy) -> str:
    """Render a policy as JSON."""
    return json.dumps(asdict(policy), separators=(",", ":"))


def decode(text: str) -> AfterSalesPolicy:
    """Read what `encode` wrote; fields that it did not know yet have their defaults."""
    fields = json.loads(text)
    photos = {IssueType(kind): count for kind, count in fields.pop("photo_count_min").items()}
    return AfterSalesPolicy(photo_count_min=photos, **fields)


def get(
    db: Database, caller: Principal, merchant_id: str, vendor_id: str, *, lock: bool = False
) -> StoredPolicy:
    """Read the policy of a partnership that the caller may see; raises NotFound."""
    mine = {
        Role.OPERATOR: True,
        Role.MERCHANT: caller.id == merchant_id,
        Role.VENDOR: caller.id == vendor_id,
    }
    locked = db.lock_rows if lock else ""
    partnership = db.one(
        f"SELECT 1 FROM partnership WHERE merchant_id = ? AND vendor_id = ?{locked}",
        merchant_id,
        vendor_id,
    )
    if partnership is None or not mine[caller.role]:
        raise NotFound.of(f"merchants/{merchant_id}/partnerships/{vendor_id}/afterSalesPolicy")
    row = db.one(
        "SELECT body, version FROM after_sales_policy WHERE merchant_id = ? AND vendor_id = ?",
        merchant_id,
        vendor_id,
    )
    if row is None:
        return StoredPolicy(merchant_id, vendor_id, DEFAULT, 0)
    return StoredPolicy(merchant_id, vendor_id, decode(row[0]), row[1])


def of_vendors(
    db: Database, merchant_id: str, vendor_ids: Sequence[str]
) -> dict[str, AfterSalesPolicy]:
    """Read the policies of vendors for a merchant; the defaults where none was set."""
    found = dict.fromkeys(vendor_ids, DEFAULT)
    for vendor_id, body in db.all(
        "SELECT vendor_id, body FROM after_sales_policy WHERE merchant_id = ?"
        f" AND vendor_id IN ({marks(vendor_ids)})",
        merchant_id,
        *vendor_ids,
    ):
        found[vendor_id] = decode(body)
    return found


def put(db: Database, stored: StoredPolicy, policy: AfterSalesPolicy, now_ms: int) -> None:
    """Write the next version of a policy whose partnership is locked."""
    db.run(
        "INSERT INTO after_sales_policy (merchant_id, vendor_id, body, version, updated_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (merchant_id, vendor_id) DO UPDATE SET"
        " body = excluded.body, version = excluded.version, updated_at = excluded.updated_at",
        stored.merchant_id,
        stored.vendor_id,
        encode(policy),
        stored.version + 1,
        now_ms,
    )
