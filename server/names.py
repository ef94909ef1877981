"""Resource names: built from ids, and taken apart within what the caller may see.

The shapes are checked by the contract's validation rules before anything gets here.
"""

from oms.domain.errors import NotFound
from oms.domain.principals import Principal, Role

_OWNERS = {"merchants": Role.MERCHANT, "vendors": Role.VENDOR}


def own_ids(name: str, caller: Principal) -> list[str]:
    """Return the ids of a name from its owner on; the owner is the caller, or `-` for it.

    Raises:
        NotFound: the name is somebody else's, which for the caller does not exist.
    """
    parts = name.split("/")
    ids = parts[1::2]
    if ids[0] == "-":
        ids[0] = caller.id
    if _OWNERS[parts[0]] != caller.role or ids[0] != caller.id:
        raise NotFound.of(name)
    return ids


def last_id(name: str) -> str:
    """Return the last id of a name, empty for an empty name."""
    return name.rpartition("/")[2]


def merchant(merchant_id: str) -> str:
    """Name a merchant; empty for no id."""
    return f"merchants/{merchant_id}" if merchant_id else ""


def vendor(vendor_id: str) -> str:
    """Name a vendor."""
    return f"vendors/{vendor_id}"


def store(merchant_id: str, store_id: str) -> str:
    """Name a store."""
    return f"merchants/{merchant_id}/stores/{store_id}"


def sync_run(merchant_id: str, store_id: str, run_id: str) -> str:
    """Name a sync run; empty for no id."""
    return f"{store(merchant_id, store_id)}/syncRuns/{run_id}" if run_id else ""


def import_run(merchant_id: str, name: str) -> str:
    """Name an import run."""
    return f"merchants/{merchant_id}/importRuns/{name}"


def partnership(merchant_id: str, vendor_id: str) -> str:
    """Name a partnership."""
    return f"merchants/{merchant_id}/partnerships/{vendor_id}"


def product(merchant_id: str, product_id: str) -> str:
    """Name a product; empty for no id."""
    return f"merchants/{merchant_id}/products/{product_id}" if product_id else ""


def variant(merchant_id: str, product_id: str, variant_id: str) -> str:
    """Name a variant; empty for no id."""
    return f"{product(merchant_id, product_id)}/variants/{variant_id}" if variant_id else ""


def hosting(merchant_id: str, hosting_id: str) -> str:
    """Name a hosting."""
    return f"merchants/{merchant_id}/hostings/{hosting_id}"


def order(merchant_id: str, order_id: str) -> str:
    """Name an order."""
    return f"merchants/{merchant_id}/orders/{order_id}"


def write_back(merchant_id: str, write_back_id: str) -> str:
    """Name a write-back."""
    return f"merchants/{merchant_id}/writeBacks/{write_back_id}"


def line(merchant_id: str, order_id: str, line_id: str) -> str:
    """Name a line of an order."""
    return f"{order(merchant_id, order_id)}/lines/{line_id}"


def allocation(vendor_id: str, allocation_id: str) -> str:
    """Name an allocation."""
    return f"vendors/{vendor_id}/allocations/{allocation_id}"


def package(vendor_id: str, allocation_id: str, package_id: str) -> str:
    """Name a package."""
    return f"{allocation(vendor_id, allocation_id)}/packages/{package_id}"
