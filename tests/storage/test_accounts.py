"""Merchants, vendors, partnerships and tokens: written, listed, moved, revoked."""

import pytest

from oms.domain.accounts import Merchant
from oms.domain.errors import Unauthenticated
from oms.domain.partnerships import PartnershipEvent, PartnershipState
from oms.domain.principals import Principal, Role
from oms.storage import accounts
from oms.usecases.authenticate import authenticate
from oms.usecases.manage_accounts import (
    InviteVendor,
    IssueToken,
    MovePartnership,
    create_vendor,
    invite_vendor,
    issue_token,
    move_partnership,
    revoke_token,
)
from tests.services.scene import OPERATOR, Scene


@pytest.fixture
def scene(database):
    return Scene(database)


def issue(scene, principal, caller=OPERATOR, **changes):
    command = IssueToken(principal.role, principal.id, "laptop", **changes)
    scene.clock.advance_ms(1)
    return scene.do(issue_token, command, caller)


def test_merchants_are_listed_oldest_first_after_an_id(scene):
    made = [Merchant(f"m{number}", "Ada", number) for number in range(4)]
    with scene.db.transaction():
        for merchant in reversed(made):
            accounts.insert_merchant(scene.db, merchant)

    found = [item for item in accounts.merchants(scene.db, "", 100) if item in made]

    assert found == made
    assert made[2] in accounts.merchants(scene.db, "m1", 100)
    assert made[1] not in accounts.merchants(scene.db, "m1", 100)
    assert len(accounts.merchants(scene.db, "", 2)) == 2


def test_vendor_is_invited_once_and_works_from_its_yes_on(scene):
    vendor = scene.do(create_vendor, "Agent", OPERATOR)
    invitation = InviteVendor(vendor.id, acceptance_required=True)

    made = scene.do(invite_vendor, invitation, scene.merchant)

    assert (made.state, made.acceptance_hours, made.version) == (PartnershipState.INVITED, 24, 1)
    assert scene.refusal(invite_vendor, invitation, scene.merchant) == "RESOURCE_ALREADY_EXISTS"
    command = MovePartnership(scene.merchant.id, vendor.id, PartnershipEvent.ACCEPT, etag="1")
    moved = scene.do(move_partnership, command, Principal(Role.VENDOR, vendor.id, "t"))
    assert (moved.state, moved.version) == (PartnershipState.ACTIVE, 2)
    assert scene.refusal(move_partnership, command, scene.merchant) == "ETAG_MISMATCH"


def test_partnership_moves_along_its_table_only(scene):
    vendor = scene.new_vendor()
    command = MovePartnership(scene.merchant.id, vendor.id, PartnershipEvent.ACCEPT)

    assert scene.refusal(move_partnership, command, vendor) == "ILLEGAL_TRANSITION"


def test_unknown_vendor_is_not_invited(scene):
    command = InviteVendor("v-unknown")

    assert scene.refusal(invite_vendor, command, scene.merchant) == "RESOURCE_NOT_FOUND"


def test_secret_opens_the_door_and_is_stored_nowhere(scene):
    issued = issue(scene, scene.merchant)

    owner = authenticate(scene.oms, issued.secret)

    assert owner == Principal(Role.MERCHANT, scene.merchant.id, issued.token.id)
    assert issued.secret.startswith("fba_")
    assert issued.secret not in repr(scene.dump())


@pytest.mark.parametrize("secret", ["", "fba_wrong", "x" * 300, "fba_\x00"])
def test_wrong_secret_is_refused(scene, secret):
    issue(scene, scene.merchant)

    with pytest.raises(Unauthenticated):
        authenticate(scene.oms, secret)


def test_token_opens_nothing_from_the_instant_of_its_expiry(scene):
    issued = issue(scene, scene.merchant, expire_at=scene.clock.now_ms() + 1000)
    scene.clock.advance_ms(998)
    assert authenticate(scene.oms, issued.secret).id == scene.merchant.id

    scene.clock.advance_ms(1)

    with pytest.raises(Unauthenticated):
        authenticate(scene.oms, issued.secret)


def test_revoked_token_is_refused_and_keeps_its_first_revocation(scene):
    issued = issue(scene, scene.merchant)
    revoked = scene.do(revoke_token, issued.token.id, OPERATOR)
    scene.clock.advance_ms(1000)

    assert scene.do(revoke_token, issued.token.id, OPERATOR) == revoked
    assert revoked.revoked_at == scene.clock.now_ms() - 1000
    with pytest.raises(Unauthenticated):
        authenticate(scene.oms, issued.secret)


def test_vendor_issues_and_sees_tokens_of_its_own_alone(scene):
    vendor, other = scene.new_vendor(), scene.new_vendor("Other")
    theirs, own = issue(scene, other), issue(scene, vendor, vendor)

    assert accounts.tokens(scene.db, vendor.id, "", 9) == [own.token]
    assert accounts.tokens(scene.db, None, "", 9) == [own.token, theirs.token]
    assert accounts.tokens(scene.db, None, own.token.id, 9) == [theirs.token]
    assert scene.refusal(revoke_token, theirs.token.id, vendor) == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("role", "is_other", "reason"),
    [
        (Role.VENDOR, True, "RESOURCE_NOT_FOUND"),
        (Role.MERCHANT, True, "ROLE_NOT_ALLOWED"),
        (Role.OPERATOR, False, "ROLE_NOT_ALLOWED"),
    ],
)
def test_vendor_issues_no_tokens_for_others(scene, role, is_other, reason):
    vendor, other = scene.new_vendor(), scene.new_vendor("Other")
    principal_id = {Role.VENDOR: other.id, Role.MERCHANT: scene.merchant.id, Role.OPERATOR: ""}
    command = IssueToken(role, principal_id[role], "mine")

    assert (command.principal_id != "") == is_other
    assert scene.refusal(issue_token, command, vendor) == reason


@pytest.mark.parametrize(
    ("role", "principal_id", "reason"),
    [
        (Role.OPERATOR, "m1", "INVALID_FIELD"),
        (Role.MERCHANT, "", "INVALID_FIELD"),
        (Role.MERCHANT, "m-unknown", "RESOURCE_NOT_FOUND"),
        (Role.VENDOR, "v-unknown", "RESOURCE_NOT_FOUND"),
    ],
)
def test_token_for_nobody_is_refused(scene, role, principal_id, reason):
    command = IssueToken(role, principal_id, "x")

    assert scene.refusal(issue_token, command, OPERATOR) == reason
