"""Everything that is done to an installation at random: each fault once, and in which forms."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.scenarios import outages, redis_faults
from tests.faults.scenarios.installation import Form, Installation
from tests.services.proxy import Proxy

HOUR_MS = 3_600_000
OUTAGE_SECONDS_MAX = 3.0
WEATHER_SECONDS_MAX = 2.0
DELAY_SECONDS = 0.1

BOTH = frozenset(Form)
DISTRIBUTED = frozenset({Form.DISTRIBUTED})
EMBEDDED = frozenset({Form.EMBEDDED})


@dataclass(frozen=True, slots=True)
class Victim:
    """An installation, the proxy before its shop, and the file that says how wrong clocks are."""

    installed: Installation
    shop: Proxy
    clock_file: Path

    @property
    def proxies(self) -> Sequence[Proxy]:
        return (*self.installed.proxies, self.shop)

    def set_clock(self, ahead_ms: int) -> None:
        """Let the processes' time of day be wrong, from now on."""
        draft = self.clock_file.with_suffix(".draft")
        draft.write_text(str(ahead_ms))
        draft.rename(self.clock_file)

    def calm_down(self) -> None:
        """Let nothing be wrong any more."""
        self.set_clock(0)
        for proxy in self.proxies:
            proxy.calm_down()


Do = Callable[[Victim, Random], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault; it is over, or repaired by nobody, when `do` returns."""

    name: str
    forms: frozenset[Form]
    do: Do


def _kill_worker(victim: Victim, dice: Random) -> None:
    victim.installed.kill_one_worker(dice.randrange(16))


def _kill_api(victim: Victim, _dice: Random) -> None:
    victim.installed.restart_api()


def _restart_api(victim: Victim, _dice: Random) -> None:
    installed = victim.installed
    installed.api.signal(signal.SIGTERM)
    assert installed.api.end() == 0, installed.api.log
    installed.api = installed.fleet.start_api(installed.port)


def _restart_workers(victim: Victim, _dice: Random) -> None:
    [parent] = victim.installed.workers
    parent.signal(signal.SIGTERM)
    # One that has hardly begun does not know the signal yet.
    assert parent.end() in (0, -signal.SIGTERM), parent.log
    victim.installed.start_parent()


def _stop_postgres(victim: Victim, dice: Random) -> None:
    outages.postgres_down(victim.installed, dice.uniform(0, OUTAGE_SECONDS_MAX))


def _stop_redis(victim: Victim, dice: Random) -> None:
    outages.redis_down(victim.installed, dice.uniform(0, OUTAGE_SECONDS_MAX))


def _flush_redis(victim: Victim, _dice: Random) -> None:
    redis_faults.flush(victim.installed)


def _lock_file(victim: Victim, dice: Random) -> None:
    outages.sqlite_locked(victim.installed, dice.uniform(0, OUTAGE_SECONDS_MAX))


def _reset(victim: Victim, dice: Random) -> None:
    dice.choice(victim.proxies).reset_all()


def _half_close(victim: Victim, dice: Random) -> None:
    dice.choice(victim.proxies).half_close_all()


def _weather(**changes: float | bool) -> Do:
    """Let one proxy treat everybody so for a while, and cut them off then."""

    def do(victim: Victim, dice: Random) -> None:
        proxy = dice.choice(victim.proxies)
        proxy.change(**changes)
        time.sleep(dice.uniform(0, WEATHER_SECONDS_MAX))
        proxy.calm_down()
        proxy.reset_all()

    return do


def _jump(victim: Victim, dice: Random) -> None:
    victim.set_clock(dice.choice((HOUR_MS, -HOUR_MS)))
    time.sleep(dice.uniform(0, OUTAGE_SECONDS_MAX))
    victim.set_clock(0)


FAULTS = (
    Fault("worker killed", BOTH, _kill_worker),
    Fault("API killed", BOTH, _kill_api),
    Fault("API restarted", BOTH, _restart_api),
    Fault("workers restarted", BOTH, _restart_workers),
    Fault("connections reset", BOTH, _reset),
    Fault("connections half closed", BOTH, _half_close),
    Fault("answers lost", BOTH, _weather(loses_answers=True)),
    Fault("requests lost", BOTH, _weather(loses_requests=True)),
    Fault("delay", BOTH, _weather(delay_seconds=DELAY_SECONDS)),
    Fault("connections refused", BOTH, _weather(refuses=True)),
    Fault("file locked", EMBEDDED, _lock_file),
    Fault("PostgreSQL stopped", DISTRIBUTED, _stop_postgres),
    Fault("Redis killed", DISTRIBUTED, _stop_redis),
    Fault("Redis flushed", DISTRIBUTED, _flush_redis),
    # On SQLite the clock of the machine is the only one: see docs/faults.md.
    Fault("clock jumped", DISTRIBUTED, _jump),
)
