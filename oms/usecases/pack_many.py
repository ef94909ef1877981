"""Many parcels of a vendor in one transaction, each announced wholly or refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.errors import FbaliError
from oms.domain.views import PackageView
from oms.storage import orders, package_views, packages
from oms.usecases.context import Transaction
from oms.usecases.pack import CreatePackage, create_package


@dataclass(frozen=True, slots=True)
class PackageOutcome:
    """What became of one parcel; `package` is None when it was refused."""

    merchant_id: str = ""
    package: PackageView | None = None
    existed: bool = False
    refusal: FbaliError | None = None


def create_packages(tx: Transaction, commands: Sequence[CreatePackage]) -> list[PackageOutcome]:
    """Announce parcels in their order; one outcome each.

    One that is live already with the same number on the same allocation is left as it is, whatever
    it holds. Their orders are locked in id order before the first one.
    """
    orders.lock(
        tx.db, packages.orders_of(tx.db, tx.owner_id, [one.allocation_id for one in commands])
    )
    return [_create(tx, command) for command in commands]


def _create(tx: Transaction, command: CreatePackage) -> PackageOutcome:
    live = packages.live(tx.db, tx.owner_id, command.tracking_number.strip())
    if live is not None and live.allocation_id == command.allocation_id:
        view = package_views.get(tx.db, tx.owner_id, live.allocation_id, live.id)
        return PackageOutcome(live.merchant_id, view, existed=True)
    try:
        with tx.db.savepoint():
            result = create_package(tx, command)
    except FbaliError as refusal:
        return PackageOutcome(refusal=refusal)
    return PackageOutcome(result.allocation.merchant_id, result.package)
