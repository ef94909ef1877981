"""The after-sales policy of a partnership, which is the vendor's promise."""

from dataclasses import dataclass

from oms.domain.claims import AfterSalesPolicy
from oms.storage import after_sales_policies
from oms.storage.after_sales_policies import StoredPolicy
from oms.usecases.context import Transaction, require_version


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """A policy of a partnership of the caller."""

    merchant_id: str
    vendor_id: str
    policy: AfterSalesPolicy
    etag: str = ""


def set_policy(tx: Transaction, command: SetPolicy) -> StoredPolicy:
    """Set the policy for cases that are drafted from now on. Raises NotFound, Conflict."""
    assert tx.caller is not None
    ids = (command.merchant_id, command.vendor_id)
    stored = after_sales_policies.get(tx.db, tx.caller, *ids, lock=True)
    name = f"merchants/{command.merchant_id}/partnerships/{command.vendor_id}/afterSalesPolicy"
    require_version(name, command.etag, stored.version)
    after_sales_policies.put(tx.db, stored, command.policy, tx.now_ms)
    return after_sales_policies.get(tx.db, tx.caller, *ids)
