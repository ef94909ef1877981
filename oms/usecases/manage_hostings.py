"""Hostings: which vendor fulfils which product. Creating one releases the lines that waited."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from oms.domain.catalog import PRIORITY_DEFAULT, Hosting, HostingState
from oms.domain.errors import InvalidInput, NotFound, Refused, Violation
from oms.domain.ids import IdKind, new_id
from oms.domain.ledger import PendingReason
from oms.domain.money import Money, is_currency
from oms.domain.planning import HostingRule, PlanLine, choose, in_order, obstacle_of
from oms.storage import accounts, catalog, hostings
from oms.usecases.context import Oms, Transaction, require_version
from oms.usecases.release_lines import request_release


@dataclass(frozen=True, slots=True)
class HostingTerms:
    """The changeable part of a hosting; priority 0 means the default."""

    countries: tuple[str, ...] = ()
    priority: int = 0
    vendor_sku: str = ""
    purchase_url: str = ""
    unit_cost: Money | None = None
    shipping_cost: Money | None = None
    state: HostingState = HostingState.ACTIVE


@dataclass(frozen=True, slots=True)
class CreateHosting:
    """A product or (with `variant_id`) a variant, and the vendor who is to fulfil it.

    `field` is where the request has it, for refusals.
    """

    product_id: str
    variant_id: str
    vendor_id: str
    terms: HostingTerms
    field: str = "hosting"


def create_hostings(tx: Transaction, commands: Sequence[CreateHosting]) -> list[Hosting]:
    """Create hostings, all or none, and release the lines that waited for them.

    Raises:
        NotFound: a product, variant or vendor.
        Refused: a vendor was not invited.
        InvalidInput: costs do not fit together.
    """
    _check_costs({command.field: command.terms for command in commands})
    for command in commands:
        _check_product(tx, command)
        _check_vendor(tx, command.vendor_id)
    made = [_new_hosting(tx, command) for command in commands]
    hostings.insert(tx.db, made)
    request_release(tx, tx.owner_id, sorted({command.product_id for command in commands}))
    return [hostings.get(tx.db, tx.owner_id, hosting.id) for hosting in made]


@dataclass(frozen=True, slots=True)
class UpdateHosting:
    """New terms of a hosting."""

    hosting_id: str
    terms: HostingTerms
    etag: str = ""


def update_hosting(tx: Transaction, command: UpdateHosting) -> Hosting:
    """Replace the terms; live allocations keep theirs. Raises NotFound, Conflict, InvalidInput."""
    _check_costs({"hosting": command.terms})
    found = _locked(tx, command.hosting_id, command.etag)
    hostings.update(tx.db, _with_terms(found, command.terms))
    request_release(tx, tx.owner_id, [found.product_id])
    return hostings.get(tx.db, tx.owner_id, found.id)


@dataclass(frozen=True, slots=True)
class DeleteHosting:
    """A hosting that is to be no more."""

    hosting_id: str
    etag: str = ""


def delete_hosting(tx: Transaction, command: DeleteHosting) -> None:
    """Delete a hosting; live allocations stay. Raises NotFound, Conflict."""
    found = _locked(tx, command.hosting_id, command.etag)
    hostings.delete(tx.db, found.id)
    request_release(tx, tx.owner_id, [found.product_id])  # Lines that wait may have another reason.


@dataclass(frozen=True, slots=True)
class HostingVerdict:
    """What a hosting comes to for one variant and country; no explanation for the chosen one."""

    hosting: Hosting
    fits: bool
    explanation: str


def explain_hosting(
    oms: Oms, merchant_id: str, product_id: str, variant_id: str, country: str
) -> tuple[list[HostingVerdict], Hosting | None]:
    """Say which hosting would be used, and why the others would not. Raises NotFound."""
    with oms.db.snapshot():
        product = catalog.product(oms.db, merchant_id, product_id)
        found = {item.id: item for item in hostings.of_product(oms.db, merchant_id, product_id)}
        rules = hostings.rules(oms.db, merchant_id, [product_id]).get(product_id, ())
    if variant_id and variant_id not in {variant.id for variant in product.variants}:
        raise NotFound.of(f"merchants/{merchant_id}/products/{product_id}/variants/{variant_id}")
    line = PlanLine("", product_id, variant_id or product.variants[0].id, 1)
    choice = choose(line, rules, country)
    chosen = choice if isinstance(choice, HostingRule) else None
    verdicts = [
        HostingVerdict(found[rule.id], *_verdict(rule, line, country, chosen))
        for rule in in_order(rules)
        if rule.id in found
    ]
    return verdicts, None if chosen is None else found[chosen.id]


def _verdict(
    rule: HostingRule, line: PlanLine, country: str, chosen: HostingRule | None
) -> tuple[bool, str]:
    obstacle = obstacle_of(rule, line, country)
    if obstacle == PendingReason.UNHOSTED:
        return False, "it is for another variant" if rule.is_active else "it is paused"
    if obstacle == PendingReason.COUNTRY_NOT_COVERED:
        return False, f"it is for {', '.join(sorted(rule.countries))} only"
    if obstacle == PendingReason.VENDOR_INACTIVE:
        return False, "the partnership with its vendor is not active"
    return True, "" if rule is chosen else "another one comes first"


def _new_hosting(tx: Transaction, command: CreateHosting) -> Hosting:
    blank = Hosting(
        id=new_id(IdKind.HOSTING, tx.now_ms),
        merchant_id=tx.owner_id,
        product_id=command.product_id,
        variant_id=command.variant_id,
        vendor_id=command.vendor_id,
        countries=(),
        priority=0,
        vendor_sku="",
        purchase_url="",
        unit_cost=None,
        shipping_cost=None,
        state=HostingState.ACTIVE,
        version=1,
        created_at=tx.now_ms,
    )
    return _with_terms(blank, command.terms)


def _with_terms(hosting: Hosting, terms: HostingTerms) -> Hosting:
    return replace(
        hosting,
        countries=tuple(sorted(terms.countries)),
        priority=terms.priority or PRIORITY_DEFAULT,
        vendor_sku=terms.vendor_sku,
        purchase_url=terms.purchase_url,
        unit_cost=terms.unit_cost,
        shipping_cost=terms.shipping_cost,
        state=terms.state,
    )


def _check_costs(terms: Mapping[str, HostingTerms]) -> None:
    """Check the costs of terms by their field in the request; raises InvalidInput with all."""
    violations = [violation for item in terms.items() for violation in _wrong_costs(*item)]
    if violations:
        raise InvalidInput(violations)


def _wrong_costs(field: str, terms: HostingTerms) -> Iterator[Violation]:
    costs = {"unit_cost": terms.unit_cost, "shipping_cost": terms.shipping_cost}
    for name, cost in costs.items():
        if cost is not None and not is_currency(cost.currency):
            words = f"{cost.currency} is no ISO 4217 currency"
            yield Violation(f"{field}.{name}.currency_code", words)
        if cost is not None and cost.amount_minor < 0:
            yield Violation(f"{field}.{name}.amount_minor", "is at least 0")
    if len({cost.currency for cost in costs.values() if cost is not None}) > 1:
        words = "is the currency of unit_cost"
        yield Violation(f"{field}.shipping_cost.currency_code", words)


def _check_product(tx: Transaction, command: CreateHosting) -> None:
    product = catalog.product(tx.db, tx.owner_id, command.product_id)
    if command.variant_id and command.variant_id not in {item.id for item in product.variants}:
        name = f"merchants/{tx.owner_id}/products/{product.id}/variants/{command.variant_id}"
        raise NotFound.of(name)


def _check_vendor(tx: Transaction, vendor_id: str) -> None:
    try:
        accounts.partnership(tx.db, tx.owner_id, vendor_id)
    except NotFound:
        raise Refused(
            f"vendors/{vendor_id} does not work for you: invite it with InviteVendor first",
            reason="PARTNERSHIP_INACTIVE",
            vendor=f"vendors/{vendor_id}",
            state="NONE",
        ) from None


def _locked(tx: Transaction, hosting_id: str, etag: str) -> Hosting:
    found = hostings.get(tx.db, tx.owner_id, hosting_id, lock=True)
    require_version(f"merchants/{tx.owner_id}/hostings/{hosting_id}", etag, found.version)
    return found
