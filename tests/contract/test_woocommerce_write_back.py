"""The gateway tells a WooCommerce store of parcels, each way as recorded or documented."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.demo.shop import PretendShop, ShopOptions
from app.demo.shop_records import Fulfillment, Note, Order
from oms.domain.errors import GatewayError
from oms.domain.write_backs import ParcelWord, WriteBackMethod
from oms.gateways.stores.woocommerce import WooCommerceStore
from tests.functional import goods
from tests.services.faulty_http import FaultyServer, answer, reset
from tests.services.replay import recording
from tests.services.woocommerce_store import HandClock, open_store, settings

M = WriteBackMethod
NOW = 1_795_000_000
ORDER = 1001
WORD = ParcelWord("p0parcel", str(ORDER), "YT 23/1", NOW, (("10010", 2), ("10011", 1)))
WAYS = [
    ({}, M.CORE_FULFILLMENT),
    ({"has_fulfillments": False, "has_tracking_plugin": True}, M.SHIPMENT_TRACKING),
    ({"has_fulfillments": False}, M.NOTE_AND_STATUS),
]
each_way = pytest.mark.parametrize(("options", "method"), WAYS, ids=[way[1] for way in WAYS])


@contextmanager
def shop_and_store(**options: Any) -> Iterator[tuple[PretendShop, WooCommerceStore]]:
    clock = HandClock(NOW)
    with PretendShop(ShopOptions(now_seconds=clock.now_seconds, **options)) as shop:
        units = {goods.LAMP: 2, goods.MAT_M: 3}
        shop.store.load(goods.products(NOW), [goods.order(ORDER, units, now=NOW)])
        yield shop, open_store(shop.url, settings(clock), **shop.credentials)


def order_of(shop: PretendShop) -> Order:
    found = shop.store.order(ORDER)
    assert found is not None
    return found


def refusal(store: WooCommerceStore, word: ParcelWord, method: WriteBackMethod) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        store.tell_parcel(word, method)
    return refused.value


@each_way
def test_best_way_is_found_out(options, method):
    with shop_and_store(**options) as (_, store):
        assert store.choose_write_back(str(ORDER)) == method


def test_missing_order_is_not_taken_for_a_missing_way():
    with shop_and_store() as (_, store), pytest.raises(GatewayError) as refused:
        store.choose_write_back("7")

    assert refused.value.word == "GATEWAY_NOT_FOUND"


@each_way
def test_parcel_is_told_once_and_found_again(options, method):
    with shop_and_store(**options) as (shop, store):
        before = store.find_parcel(WORD, method)
        first = store.tell_parcel(WORD, method)
        again = store.tell_parcel(WORD, method)

        order = order_of(shop)
        assert before is None
        assert first == again == store.find_parcel(WORD, method)
        assert len(order.fulfillments) + len(order.trackings) + len(order.notes) == 1


@each_way
def test_write_that_lost_its_answer_is_not_repeated_by_the_client(options, method):
    written = []

    def loses(_method: str, path: str) -> bool:
        written.append(path)
        return True

    with shop_and_store(**options, loses_answer=loses) as (_, store):
        failure = refusal(store, WORD, method)

        assert (failure.word, failure.retryable) == ("GATEWAY_UNREACHABLE", True)
        assert len(written) == 1
        assert store.find_parcel(WORD, method) is not None


@each_way
def test_other_parcel_of_the_order_is_told_besides(options, method):
    other = ParcelWord("p0other", str(ORDER), "YT 23/12", NOW, (("10011", 2),))
    with shop_and_store(**options) as (_, store):
        ids = {store.tell_parcel(word, method) for word in (WORD, other)}

        assert len(ids) == 2


@each_way
@pytest.mark.parametrize(
    "number", ["A&B", "<b>7</b>", 'quote"', "中国邮政1", "a" * 100, "x, follow", "100%"]
)
def test_odd_numbers_are_found_again(options, method, number):
    word = ParcelWord("p0odd", str(ORDER), number, NOW, (("10010", 1),))
    with shop_and_store(**options) as (shop, store):
        told = store.tell_parcel(word, method)
        if order_of(shop).notes:  # WordPress keeps notes as HTML.
            [note] = order_of(shop).notes
            kept = re.sub("<[^>]*>", "", re.sub(r"&(?!\w+;)", "&amp;", note.text))
            shop.change_order(ORDER, notes=[Note(note.id, kept, True, NOW)])  # noqa: FBT003

        assert store.find_parcel(word, method) == told


def test_fulfilment_has_the_recorded_shape():
    with shop_and_store() as (shop, store):
        store.tell_parcel(WORD, M.CORE_FULFILLMENT)

        [made] = order_of(shop).fulfillments
        sent = recording("fulfillment-create-partial").sent
        recorded = {item["key"] for item in sent["meta_data"]}
        meta = dict(made.meta)
        assert recorded <= set(meta)
        assert meta["_items"] == [{"item_id": 10010, "qty": 2}, {"item_id": 10011, "qty": 1}]
        assert meta["_tracking_url"] == "https://t.17track.net/en#nums=YT%2023%2F1"
        assert meta["_fbali_package"] == "p0parcel"
        assert (made.status, made.is_fulfilled) == ("fulfilled", True)


def test_tracking_of_the_plugin_names_a_custom_provider_and_the_day():
    with shop_and_store(has_fulfillments=False, has_tracking_plugin=True) as (shop, store):
        store.tell_parcel(WORD, M.SHIPMENT_TRACKING)

        [made] = order_of(shop).trackings
        assert (made.provider, made.number, made.shipped_on) == ("17TRACK", "YT 23/1", "2026-11-18")


def test_note_goes_to_the_customer():
    with shop_and_store(has_fulfillments=False) as (shop, store):
        store.tell_parcel(WORD, M.NOTE_AND_STATUS)

        [note] = order_of(shop).notes
        assert note.is_for_customer
        assert note.text == (
            "Your parcel is on its way. Tracking number: YT 23/1, follow it at"
            " https://t.17track.net/en#nums=YT%2023%2F1"
        )


@pytest.mark.parametrize(
    ("present", "units", "fits"),
    [
        (0, 3, True),
        (1, 2, True),
        (1, 3, False),
        (3, 1, False),
        (999, 1, False),
        (0, 4, False),
    ],
)
def test_units_beyond_the_line_s_quantity_are_refused_before_they_are_sent(present, units, fits):
    word = ParcelWord("p0parcel", str(ORDER), "T-1", NOW, (("10011", units),))
    items = [{"item_id": 10011, "qty": present}] if present else []
    there = Fulfillment(5, "unfulfilled", False, NOW, (("_items", items),))  # noqa: FBT003
    with shop_and_store() as (shop, store):
        shop.store.append(ORDER, "fulfillments", there)
        if fits:
            store.tell_parcel(word, M.CORE_FULFILLMENT)
        else:
            failure = refusal(store, word, M.CORE_FULFILLMENT)
            assert (failure.word, failure.retryable) == ("GATEWAY_REQUEST_REFUSED", False)

        assert len(order_of(shop).fulfillments) == 1 + fits


def test_line_that_the_store_does_not_have_is_refused():
    word = ParcelWord("p0parcel", str(ORDER), "T-1", NOW, (("4711", 1),))
    with shop_and_store() as (shop, store):
        assert "line 4711" in refusal(store, word, M.CORE_FULFILLMENT).message
        assert order_of(shop).fulfillments == []


@pytest.mark.parametrize(
    ("status", "after"),
    [
        ("processing", "completed"),
        ("on-hold", "completed"),
        ("completed", "completed"),
        ("cancelled", "cancelled"),
        ("refunded", "refunded"),
        ("trash", "trash"),
    ],
)
def test_order_is_completed_unless_it_was_called_off(status, after):
    with shop_and_store() as (shop, store):
        shop.change_order(ORDER, status=status)
        store.complete_order(str(ORDER))

        assert order_of(shop).status == after


def test_key_that_may_only_read_is_refused_in_the_store_s_words():
    with shop_and_store(key_may_write=False) as (shop, store):
        failure = refusal(store, WORD, M.CORE_FULFILLMENT)

        assert (failure.word, failure.retryable) == ("GATEWAY_CREDENTIALS_REFUSED", False)
        assert "The API key provided does not have write permissions." in failure.message
        assert order_of(shop).fulfillments == []


@pytest.mark.parametrize(
    ("present", "word"),
    [
        ('{"an": "object"}', "GATEWAY_ANSWER_MALFORMED"),
        ("[1]", "GATEWAY_ANSWER_MALFORMED"),
        ('[{"id": 1, "meta_data": 7}]', "GATEWAY_ANSWER_MALFORMED"),
        (
            '[{"meta_data": [{"key": "_fbali_package", "value": "p0parcel"}]}]',
            "GATEWAY_ANSWER_MALFORMED",
        ),
    ],
)
def test_unreadable_fulfilments_are_told_and_nothing_is_sent(present, word):
    with FaultyServer(answer(200, present)) as server:
        failure = refusal(open_store(server.url), WORD, M.CORE_FULFILLMENT)

        assert failure.word == word
        assert len(server.targets) == 1


def test_reading_is_tried_again_when_the_connection_drops():
    order = json.dumps({"id": ORDER, "status": "completed", "line_items": []})
    with FaultyServer(reset, answer(200, order)) as server:
        open_store(server.url).complete_order(str(ORDER))

        assert len(server.targets) == 2


def test_recorded_fulfilments_are_found_and_leave_no_room():
    present = json.dumps(recording("fulfillments-two").body)
    order = json.dumps(recording("order-multi-line").body)
    word = ParcelWord("p0parcel", "327", "yt2312345678901236", NOW, (("665", 1),))
    other = ParcelWord("p0other", "327", "T-1", NOW, (("664", 1),))
    with FaultyServer(answer(200, present)) as server:
        found = open_store(server.url).find_parcel(word, M.CORE_FULFILLMENT)
    with FaultyServer(answer(200, present), answer(200, order), answer(200, present)) as server:
        failure = refusal(open_store(server.url), other, M.CORE_FULFILLMENT)

    assert found == "3"
    assert failure.word == "GATEWAY_REQUEST_REFUSED"
    assert "and 1000 are in fulfilments that are there" in failure.message
