"""Vendors' clients update their parts at once: repeated, out of order, and some of it illegal."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from app.demo.accounts import Account, open_vendors
from fbali.client import Client
from fbali.v1.fulfillment_service_pb2 import ListAllocationsRequest
from oms.storage import soundness
from tests.faults.scenarios.installation import Installation, again_and_again, insist
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.faults.scenarios.vendor_clerk import Clerk
from tests.faults.scenarios.vendor_part import Part
from tests.faults.scenarios.vendor_steps import steps
from tests.faults.unsound import unsound

SEED = 11
VENDORS = 4
CLERKS = 2  # Of each vendor.
UPDATES_PER_ORDER = 5  # Or more: there are to be more parts than can be dealt with.
LOOK_EVERY_SECONDS = 3.0
SHOWN = 5


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        with Installation(form, size.updates // UPDATES_PER_ORDER) as installed:
            yield _run(installed, size)


def _run(installed: Installation, size: Size) -> Result:
    vendors = _set_up(installed)
    parts = {vendor: parts_of(installed.client(vendor.token)) for vendor in vendors}
    clerks = [
        Clerk(
            installed.client(vendor.token),
            steps([p.name for other in vendors if other != vendor for p in parts[other][:50]]),
            Random(f"{SEED} {vendor.display_name} {number}"),
        )
        for vendor in vendors
        for number in range(CLERKS)
    ]
    shares = [parts[vendor][number::CLERKS] for vendor in vendors for number in range(CLERKS)]
    started = time.monotonic()
    seen: list[str] = []
    with again_and_again(
        LOOK_EVERY_SECONDS, lambda _: seen.extend(soundness.problems(installed.db))
    ):
        handled = _work(clerks, shares, size.updates)
    seconds = time.monotonic() - started
    lost, doubled = compare(installed, handled)
    return _result(installed, clerks, (lost, doubled, seen), seconds)


def _result(
    installed: Installation,
    clerks: Sequence[Clerk],
    found: tuple[Sequence[str], Sequence[str], Sequence[str]],
    seconds: float,
) -> Result:
    lost, doubled, seen = found
    wrong = [*(words for clerk in clerks for words in clerk.wrong), *seen]
    wrong += unsound(installed.db)
    refused = sum((clerk.refused for clerk in clerks), Counter[str]())
    sent = sum(clerk.sent for clerk in clerks)
    for words in [*wrong, *lost, *doubled][:SHOWN]:
        print(words)
    return Result(
        f"vendor updates by {len(clerks)} clients, repeated, out of order, illegal",
        installed.form,
        f"{sent} updates, {sent / seconds:.0f}/s",
        f"{sum(clerk.repeated for clerk in clerks)} repeated,"
        f" {sum(clerk.early for clerk in clerks)} too early, {refused.total()} refused"
        f" ({', '.join(f'{count} {reason}' for reason, count in refused.most_common())})",
        len(lost),
        len(doubled),
        seconds,
        wrong=wrong,
    )


def _set_up(installed: Installation) -> list[Account]:
    """Share the products out among vendors, so that most orders have parts of several."""
    vendors = open_vendors(installed.operator, [f"Vendor {n}" for n in range(1, VENDORS + 1)])
    for vendor in vendors:
        installed.engage(vendor, installed.merchant)
    installed.start_workers()
    installed.connect()
    products = installed.catalog.products
    choices = {product.id: vendors[n % VENDORS] for n, product in enumerate(products)}
    insist(lambda: installed.merchant.host(choices, {}))
    installed.drain()
    return vendors


def parts_of(client: Client) -> list[Part]:
    """Read everything that a vendor has to do."""
    found: list[Part] = []
    request = ListAllocationsRequest(parent="vendors/-", page_size=500)
    while True:
        page = insist(lambda: client.fulfillment.ListAllocations(request))
        found += map(Part, page.allocations)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _work(
    clerks: Sequence[Clerk], shares: Sequence[Sequence[Part]], updates: int
) -> Sequence[Part]:
    """Let all clerks work until enough was sent; return the parts that were dealt with."""

    def work(clerk: Clerk, share: Sequence[Part]) -> list[Part]:
        handled: list[Part] = []
        for part in share:
            if sum(other.sent for other in clerks) >= updates:
                break
            clerk.handle(part)
            handled.append(part)
        clerk.close()
        return handled

    with ThreadPoolExecutor(len(clerks)) as threads:
        return [part for parts in threads.map(work, clerks, shares) for part in parts]


def compare(installed: Installation, parts: Sequence[Part]) -> tuple[list[str], list[str]]:
    """Compare all that was written with all that was accepted: what is missing, what is too much.

    By part: rows of history by kind, cost entries, units by line; by parcel: its news and state.
    """
    found = Counter(_found(installed))
    expected = Counter(
        {key: count for part in parts for key, count in _expected(part).items() if count}
    )
    ids = {part.name.rpartition("/")[2] for part in parts}
    surplus = {key: count for key, count in (found - expected).items() if key[0] in ids}
    missing = expected - found
    return (
        [f"missing {count} {key}" for key, count in missing.items()],
        [f"too much {count} {key}" for key, count in surplus.items()],
    )


Key = tuple[str, str, str]  # Allocation, what it is, which one.


def _expected(part: Part) -> Mapping[Key, int]:
    own = part.name.rpartition("/")[2]
    counts: Counter[Key] = Counter({(own, "history", kind): n for kind, n in part.rows.items()})
    counts[own, "costs", ""] = part.costs
    counts[own, "state", part.state.value] = 1
    for line, count in part.returned.items():
        counts[own, "returned", line.rpartition("/")[2]] = count
    for parcel in part.parcels:
        package = parcel.name.rpartition("/")[2]
        counts[own, "news", package] = len(parcel.news)
        counts[own, parcel.standing.state.value, package] = 1
        for line, count in parcel.units.items():
            counts[own, package, line.rpartition("/")[2]] = count
    return counts


_COUNTS = {
    "costs": "SELECT allocation_id, '', COUNT(*) FROM cost_entry WHERE source = 'ACTUAL'"
    " GROUP BY allocation_id",
    "state": "SELECT id, state, 1 FROM allocation",
    "returned": "SELECT allocation_id, line_id, returned FROM allocation_line WHERE returned > 0",
    "news": "SELECT p.allocation_id, p.id, COUNT(*) FROM package p"
    " JOIN tracking_event t ON t.package_id = p.id GROUP BY p.allocation_id, p.id",
}


def _found(installed: Installation) -> Mapping[Key, int]:
    counts: Counter[Key] = Counter()
    for subject, kind, count in installed.rows(
        "SELECT subject, kind, COUNT(*) FROM event WHERE kind LIKE 'allocation.%'"
        " OR kind LIKE 'package.%' GROUP BY subject, kind"
    ):
        counts[str(subject).split("/")[3], "history", kind] += count
    for what, sql in _COUNTS.items():
        for own, which, count in installed.rows(sql):
            counts[own, what, which] += count
    for own, package, state in installed.rows("SELECT allocation_id, id, state FROM package"):
        counts[own, state, package] += 1
    for own, package, line, count in installed.rows(
        "SELECT p.allocation_id, p.id, l.line_id, l.quantity FROM package p"
        " JOIN package_line l ON l.package_id = p.id"
    ):
        counts[own, package, line] += count
    return counts
