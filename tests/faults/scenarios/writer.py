"""Creates merchants as a call does, and says after each commit which one; until it is killed."""

import itertools
import os
import sys

from oms.domain.principals import Principal, Role
from oms.gateways.clock import SystemClock
from oms.gateways.http import HttpSettings, trust_store
from oms.gateways.machine import LinuxMachine
from oms.gateways.stores.registry import StoreRegistry
from oms.storage.database import Database
from oms.usecases.context import Call, Oms, Transaction, mutate
from oms.usecases.manage_accounts import create_merchant
from tests.services.fake_photos import FakeDecoder, FakePhotoStore


def main(url: str, run: str) -> None:
    clock = SystemClock()
    oms = Oms(
        Database(url),
        clock,
        StoreRegistry(HttpSettings(clock, trust_store())),
        None,
        FakePhotoStore(),
        FakeDecoder(),
        LinuxMachine(),
    )
    caller = Principal(Role.OPERATOR, "", "t")
    for number in itertools.count():
        name = f"{run}-{number}"
        call = Call(caller, "CreateMerchant", request_id=name, body_hash=name)
        mutate(oms, call, _create, name, lambda _made: b"made")
        os.write(1, f"{name}\n".encode())  # In one piece, and not kept back.


def _create(tx: Transaction, name: str) -> object:
    return create_merchant(tx, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
