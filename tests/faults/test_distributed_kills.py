"""Workers on PostgreSQL and Redis are killed, and Redis with all it held; no order is lost."""

import os
import signal
import time
from pathlib import Path

import psycopg

from app.demo.shop import PretendShop
from fbali.client import Client
from tests.services.breakable import BreakableRedis
from tests.services.fleet import Fleet, connect_request, free_port, merchant_of
from tests.services.stack import wait_for

ORDERS = 600
UNFINISHED = "SELECT COUNT(*) FROM job WHERE kind IN ('sync_store', 'allocate_orders') AND state"


def one(url: str, sql: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def test_orders_survive_the_death_of_workers_and_of_redis(tmp_path: Path, postgres_url: str):
    with (
        BreakableRedis() as redis,
        PretendShop() as shop,
        Fleet(tmp_path, postgres_url, BROKER_URL=redis.url) as fleet,
    ):
        shop.fill(orders=ORDERS)
        token, port = fleet.run("init"), free_port()
        fleet.start_api(port)
        fleet.start("scheduler")
        workers = fleet.start("worker --processes 2")
        with (
            Client(f"127.0.0.1:{port}", token=token) as operator,
            merchant_of(operator, port) as (merchant, name),
        ):
            merchant.hosting.ConnectStore(connect_request(name, shop))
        wait_for(lambda: one(postgres_url, "SELECT COUNT(*) FROM orders") > 0)
        for number in range(2):
            os.kill(workers.children[number], signal.SIGKILL)
            time.sleep(0.7)
        redis.kill()
        redis.start_again()

        wait_for(lambda: one(postgres_url, f"{UNFINISHED} <> 'DONE'") == 0, seconds=40)
        assert one(postgres_url, "SELECT COUNT(*) FROM orders") == ORDERS
        assert one(postgres_url, "SELECT COUNT(DISTINCT external_id) FROM orders") == ORDERS
        assert one(postgres_url, f"{UNFINISHED} = 'QUARANTINED'") == 0
