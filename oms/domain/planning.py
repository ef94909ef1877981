"""Which vendor fulfils which units: the plan that the hosting rules give."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oms.domain.ledger import PendingReason
from oms.domain.money import Money


@dataclass(frozen=True, slots=True)
class HostingRule:
    """One hosting as planning sees it. Empty `variant_id` covers all, empty `countries` too."""

    id: str
    product_id: str
    variant_id: str
    vendor_id: str
    countries: frozenset[str]
    priority: int
    is_active: bool
    is_vendor_active: bool
    vendor_sku: str = ""
    purchase_url: str = ""
    unit_cost: Money | None = None
    shipping_cost: Money | None = None


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line with open units. Vendors that refused it before are not asked again."""

    line_id: str
    product_id: str
    variant_id: str
    open: int
    refused_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """Units of a line that go to the rule's vendor."""

    line_id: str
    quantity: int
    rule: HostingRule


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts per vendor id, and why the other lines wait. Every open line is in exactly one."""

    parts: Mapping[str, tuple[PlannedLine, ...]]
    waiting: Mapping[str, PendingReason]


def plan(
    lines: Iterable[PlanLine], rules: Mapping[str, Sequence[HostingRule]], country: str
) -> Plan:
    """Split the open units of one order over vendors; `rules` are by product id, in any order."""
    parts: dict[str, list[PlannedLine]] = {}
    waiting: dict[str, PendingReason] = {}
    for line in lines:
        if line.open <= 0:
            continue
        choice = choose(line, rules.get(line.product_id, ()), country)
        if isinstance(choice, HostingRule):
            planned = PlannedLine(line.line_id, line.open, choice)
            parts.setdefault(choice.vendor_id, []).append(planned)
        else:
            waiting[line.line_id] = choice
    return Plan({vendor: tuple(part) for vendor, part in parts.items()}, waiting)


def choose(
    line: PlanLine, rules: Sequence[HostingRule], country: str
) -> HostingRule | PendingReason:
    """Return the first rule that fits, or the reason of the one that came nearest to fitting."""
    obstacles = []
    for rule in in_order(rules):
        obstacle = obstacle_of(rule, line, country)
        if obstacle is None:
            return rule
        obstacles.append(obstacle)
    return max(obstacles, key=_NEARNESS.index, default=PendingReason.UNHOSTED)


def in_order(rules: Iterable[HostingRule]) -> list[HostingRule]:
    """Sort rules as they are tried: variant before product, country before all, then priority."""
    return sorted(
        rules,
        key=lambda rule: (not rule.variant_id, not rule.countries, rule.priority, rule.id),
    )


def obstacle_of(rule: HostingRule, line: PlanLine, country: str) -> PendingReason | None:
    """Say what keeps a rule from fitting a line, or None when it fits."""
    if not rule.is_active or rule.variant_id not in ("", line.variant_id):
        return PendingReason.UNHOSTED
    if rule.countries and country not in rule.countries:
        return PendingReason.COUNTRY_NOT_COVERED
    if not rule.is_vendor_active:
        return PendingReason.VENDOR_INACTIVE
    if rule.vendor_id in line.refused_by:
        return PendingReason.VENDOR_REJECTED
    return None


# How far a rule came before it failed, the nearest to fitting last.
_NEARNESS = (
    PendingReason.UNHOSTED,
    PendingReason.COUNTRY_NOT_COVERED,
    PendingReason.VENDOR_INACTIVE,
    PendingReason.VENDOR_REJECTED,
)
