"""Merchants, vendors, partnerships and tokens: created, invited, issued, revoked."""

from dataclasses import dataclass
from secrets import token_urlsafe

from oms.domain.accounts import Merchant, Partnership, Token, Vendor
from oms.domain.errors import InvalidInput, NotFound, PermissionDenied
from oms.domain.ids import IdKind, new_id
from oms.domain.partnerships import PARTNERSHIP_TABLE, PartnershipEvent, PartnershipState
from oms.domain.principals import Role
from oms.storage import accounts
from oms.usecases.context import Transaction, require_version
from oms.usecases.release_lines import request_release

SECRET_PREFIX = "fba_"  # noqa: S105 - so that secret scanners and people recognise one.
ACCEPTANCE_HOURS_DEFAULT = 24


def create_merchant(tx: Transaction, display_name: str) -> Merchant:
    """Create a merchant."""
    merchant = Merchant(new_id(IdKind.MERCHANT, tx.now_ms), display_name, tx.now_ms)
    accounts.insert_merchant(tx.db, merchant)
    return merchant


def create_vendor(tx: Transaction, display_name: str) -> Vendor:
    """Create a vendor."""
    vendor = Vendor(new_id(IdKind.VENDOR, tx.now_ms), display_name, tx.now_ms)
    accounts.insert_vendor(tx.db, vendor)
    return vendor


@dataclass(frozen=True, slots=True)
class IssueToken:
    """A token for a principal; `principal_id` is empty for the operator."""

    role: Role
    principal_id: str
    display_name: str
    expire_at: int | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and its secret, which is known only now."""

    token: Token
    secret: str


def issue_token(tx: Transaction, command: IssueToken) -> IssuedToken:
    """Issue a token; a vendor may do so for itself only.

    Raises:
        NotFound: there is no such merchant or vendor, or it is not the caller's.
        PermissionDenied: a vendor asks for another role.
        InvalidInput: role and principal do not fit.
    """
    if (command.role == Role.OPERATOR) != (command.principal_id == ""):
        raise InvalidInput.of("principal", "is empty for the operator and named for anybody else")
    if tx.caller is not None and tx.caller.role == Role.VENDOR:
        _require_own_token(tx, command)
    accounts.display_name(tx.db, command.role, command.principal_id)
    token = Token(
        id=new_id(IdKind.TOKEN, tx.now_ms),
        role=command.role,
        principal_id=command.principal_id,
        display_name=command.display_name,
        created_at=tx.now_ms,
        expire_at=command.expire_at,
        revoked_at=None,
    )
    secret = SECRET_PREFIX + token_urlsafe(24)
    accounts.insert_token(tx.db, token, secret)
    return IssuedToken(token, secret)


def _require_own_token(tx: Transaction, command: IssueToken) -> None:
    if command.role != Role.VENDOR:
        message = "a vendor may issue tokens for itself only"
        raise PermissionDenied(message, role="VENDOR", method="IssueToken")
    if command.principal_id != tx.owner_id:
        raise NotFound.of(f"vendors/{command.principal_id}")


def revoke_token(tx: Transaction, token_id: str) -> Token:
    """Revoke a token at once; a vendor may do so with its own. Raises NotFound."""
    owner_id = token_owner_scope(tx)
    accounts.token(tx.db, token_id, owner_id)
    accounts.revoke_token(tx.db, token_id, tx.now_ms)
    return accounts.token(tx.db, token_id, owner_id)


def token_owner_scope(tx: Transaction) -> str | None:
    """Return whose tokens the caller sees: None for all."""
    return tx.owner_id if tx.caller is not None and tx.caller.role == Role.VENDOR else None


@dataclass(frozen=True, slots=True)
class InviteVendor:
    """An invitation of a vendor by the calling merchant; 0 hours mean the default."""

    vendor_id: str
    acceptance_required: bool = False
    acceptance_hours: int = 0


def invite_vendor(tx: Transaction, command: InviteVendor) -> Partnership:
    """Invite a vendor. Raises NotFound, AlreadyExists."""
    accounts.display_name(tx.db, Role.VENDOR, command.vendor_id)
    partnership = Partnership(
        merchant_id=tx.owner_id,
        vendor_id=command.vendor_id,
        state=PartnershipState.INVITED,
        acceptance_required=command.acceptance_required,
        acceptance_hours=command.acceptance_hours or ACCEPTANCE_HOURS_DEFAULT,
        version=1,
        created_at=tx.now_ms,
    )
    accounts.insert_partnership(tx.db, partnership)
    return accounts.partnership(tx.db, tx.owner_id, command.vendor_id)


@dataclass(frozen=True, slots=True)
class MovePartnership:
    """A change of a partnership between a merchant and a vendor."""

    merchant_id: str
    vendor_id: str
    event: PartnershipEvent
    etag: str = ""


def move_partnership(tx: Transaction, command: MovePartnership) -> Partnership:
    """Accept, suspend or resume; lines that waited for the vendor are allocated afterwards.

    Raises:
        NotFound, IllegalTransition, Conflict
    """
    found = accounts.partnership(tx.db, command.merchant_id, command.vendor_id, lock=True)
    name = f"merchants/{command.merchant_id}/partnerships/{command.vendor_id}"
    require_version(name, command.etag, found.version)
    state = PARTNERSHIP_TABLE.advance(name, found.state, command.event)
    accounts.move_partnership(tx.db, found, state)
    if state == PartnershipState.ACTIVE:
        request_release(tx, command.merchant_id)
    return accounts.partnership(tx.db, command.merchant_id, command.vendor_id)
