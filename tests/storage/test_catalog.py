"""Products and hostings: taken over, found, listed page by page, changed."""

from dataclasses import replace

import pytest

from oms.domain.catalog import HostingState
from oms.domain.money import Money
from oms.domain.snapshots import VariantSnapshot
from oms.storage import catalog, hostings
from oms.storage.catalog import ProductFilter
from oms.usecases.manage_hostings import (
    CreateHosting,
    DeleteHosting,
    HostingTerms,
    UpdateHosting,
    create_hostings,
    delete_hosting,
    explain_hosting,
    update_hosting,
)
from oms.usecases.queries import get_product
from tests.services.scene import Scene
from tests.services.snapshots import line_snapshot, order_snapshot, product_snapshot


@pytest.fixture
def scene(database):
    return Scene(database)


def take(scene, *snapshots):
    with scene.db.transaction():
        catalog.apply_products(scene.db, scene.store, snapshots, scene.clock.now_ms())


def titles(scene, text="", after=("", ""), limit=100, **wanted):
    found = ProductFilter(scene.merchant.id, text=text, **wanted)
    return [product.title for product in catalog.products(scene.db, found, after, limit)]


def variants(*names):
    return tuple(
        VariantSnapshot(n, n, f"S-{n}", Money("USD", 5), needs_shipping=True) for n in names
    )


def test_products_taken_twice_are_there_once(scene):
    take(scene, product_snapshot("cup", variants=variants("red", "blue")))
    before = scene.dump()

    take(scene, product_snapshot("cup", variants=variants("red", "blue")))

    assert scene.dump() == before


def test_changed_product_keeps_its_id_and_the_variants_that_it_lost(scene):
    take(scene, product_snapshot("cup", variants=variants("red", "blue")))
    product_id = scene.product_id("cup")

    take(scene, product_snapshot("cup", title="Big cup", variants=variants("red", "green")))

    product = catalog.product(scene.db, scene.merchant.id, product_id)
    assert product.title == "Big cup"
    assert [variant.title for variant in product.variants] == ["blue", "green", "red"]
    assert product.variants[0].price == Money("USD", 5)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MUG", ["Mug"]),
        ("sku-pla", ["Plate"]),
        ("straße", ["STRASSE"]),
        ("100%", ["100% cotton"]),
        ("0_", []),
        ("!", []),
        ("'; --", []),
    ],
)
def test_search_ignores_case_and_takes_signs_as_they_are(scene, text, found):
    take(
        scene,
        product_snapshot("a", title="100% cotton", sku=""),
        product_snapshot("b", title="STRASSE", sku=""),
    )

    assert titles(scene, text) == found


def test_products_are_listed_page_by_page_without_gap_or_repetition(scene):
    take(scene, *(product_snapshot(f"p{n}", title=f"Same {n % 2}") for n in range(7)))
    wanted, seen, after = ProductFilter(scene.merchant.id), [], ("", "")

    while page := catalog.products(scene.db, wanted, after, 2):
        seen += [product.external_id for product in page]
        after = (page[-1].title, page[-1].id)

    assert sorted(seen) == sorted(["mug", "plate", *(f"p{n}" for n in range(7))])


def test_products_tell_what_waits_for_them(scene):
    scene.take(order_snapshot("1001", line_snapshot(quantity=3), line_snapshot("l2", "plate")))
    scene.take(order_snapshot("1002", line_snapshot(quantity=4), is_paid=False))

    found = catalog.unhosted_products(scene.db, scene.merchant.id)

    counts = [
        (product.title, product.waiting_unit_count, product.hosting_count) for product in found
    ]
    assert counts == [("Mug", 3, 0), ("Plate", 1, 0)]
    scene.host(scene.new_vendor())
    found = catalog.unhosted_products(scene.db, scene.merchant.id)
    assert [product.title for product in found] == ["Plate"]


def test_hosting_is_changed_only_as_it_was_read(scene):
    hosting = scene.host(scene.new_vendor(), unit_cost=100)
    terms = HostingTerms(countries=("FR", "DE"), priority=7, state=HostingState.PAUSED)

    changed = scene.do(update_hosting, UpdateHosting(hosting.id, terms, "1"), scene.merchant)

    assert (changed.countries, changed.priority, changed.unit_cost) == (("DE", "FR"), 7, None)
    assert (changed.state, changed.version) == (HostingState.PAUSED, 2)
    again = UpdateHosting(hosting.id, terms, "1")
    assert scene.refusal(update_hosting, again, scene.merchant) == "ETAG_MISMATCH"
    gone = DeleteHosting(hosting.id, "1")
    assert scene.refusal(delete_hosting, gone, scene.merchant) == "ETAG_MISMATCH"


def test_hostings_are_made_all_or_none(scene):
    vendor = scene.new_vendor()
    good = CreateHosting(scene.product_id("mug"), "", vendor.id, HostingTerms())
    for bad, reason in (
        (replace(good, product_id="u-unknown"), "RESOURCE_NOT_FOUND"),
        (replace(good, variant_id="w-unknown"), "RESOURCE_NOT_FOUND"),
        (replace(good, vendor_id="v-unknown"), "PARTNERSHIP_INACTIVE"),
        (replace(good, terms=HostingTerms(unit_cost=Money("XYZ", 1))), "INVALID_FIELD"),
        (replace(good, terms=HostingTerms(unit_cost=Money("USD", -1))), "INVALID_FIELD"),
        (
            replace(
                good,
                terms=HostingTerms(unit_cost=Money("USD", 1), shipping_cost=Money("CNY", 1)),
            ),
            "INVALID_FIELD",
        ),
    ):
        assert scene.refusal(create_hostings, [good, bad], scene.merchant) == reason
    assert hostings.of_product(scene.db, scene.merchant.id, good.product_id) == []


def test_explanation_names_the_chosen_hosting_and_why_not_the_others(scene):
    first, second, third = (scene.new_vendor(name) for name in ("First", "Second", "Third"))
    scene.host(first, countries=("FR",))
    chosen = scene.host(second, priority=1)
    scene.host(third, priority=2)
    scene.host(third, state=HostingState.PAUSED)

    verdicts, found = explain_hosting(
        scene.oms, scene.merchant.id, scene.product_id("mug"), "", "DE"
    )

    assert found == chosen
    assert [
        (verdict.hosting.vendor_id, verdict.fits, verdict.explanation) for verdict in verdicts
    ] == [
        (first.id, False, "it is for FR only"),
        (second.id, True, ""),
        (third.id, True, "another one comes first"),
        (third.id, False, "it is paused"),
    ]
    _, ordered = get_product(scene.oms, scene.merchant.id, scene.product_id("mug"))
    assert ordered == [verdict.hosting for verdict in verdicts]
