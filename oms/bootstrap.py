"""Settings to a wired order management."""

from pathlib import Path

from oms.domain.errors import NotFound
from oms.domain.poll_schedule import Cadence
from oms.gateways.carriers.seventeentrack import SECONDS_BETWEEN_CALLS, SeventeenTrack
from oms.gateways.clock import SystemClock
from oms.gateways.http import HttpSettings, trust_store
from oms.gateways.machine import LinuxMachine
from oms.gateways.photos.decoder import ProcessDecoder
from oms.gateways.photos.disk import DiskPhotoStore
from oms.gateways.stores.registry import StoreRegistry
from oms.settings import Settings
from oms.storage import turns
from oms.storage.database import Database
from oms.storage.server_clock import ServerClock
from oms.usecases.context import Oms, Policy
from oms.usecases.ports import CarrierGateway

TRACKING_TICK_SECONDS = 30.0  # How often due parcels are looked for, unless they are due sooner.


class SchemaError(Exception):
    """The database does not have the shape that this program needs; the message says what to do."""


def open_database(settings: Settings) -> Database:
    """Open the database; the folder of data is made, readable by its owner only."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Database(settings.database_url)


def open_existing(settings: Settings) -> Database:
    """Open the database without making anything; raises NotFound when there is no file of it."""
    database = Database(settings.database_url)
    if database.file is not None and not database.file.is_file():
        place = where(settings)
        raise NotFound(f"there is no database at {place}: run `fbali-server init`", resource=place)
    return database


def where(settings: Settings) -> str:
    """Say where the database is, without user and password."""
    if settings.database_url.startswith("sqlite"):
        return str(Path(settings.database_url.removeprefix("sqlite:///")))
    return settings.database_url.rpartition("@")[2].partition("?")[0]


def migrate(settings: Settings) -> list[str]:
    """Bring the schema up to date; return the names of the migrations that ran.

    Raises:
        SchemaError: it is newer than this program, which changes nothing then.
    """
    database = open_database(settings)
    try:
        _require_known(database)
        return database.migrate()
    finally:
        database.close()


def require_schema(database: Database) -> None:
    """Refuse a schema that is not the one this program was written for."""
    _require_known(database)
    pending = database.pending_migrations()
    if pending:
        message = (
            f"the database is not set up for this program (it lacks {', '.join(pending)}): run"
            " `fbali-server migrate`"
        )
        raise SchemaError(message)


def _require_known(database: Database) -> None:
    unknown = database.unknown_migrations()
    if unknown:
        message = (
            f"the database is newer than this program (it has {', '.join(unknown)}): upgrade this"
            " program, or restore a backup that was made before the migration"
        )
        raise SchemaError(message)


def build(settings: Settings) -> Oms:
    """Wire the order management; nothing is sent and nothing is started."""
    database = open_database(settings)
    clock = SystemClock() if database.is_sqlite else ServerClock(database)
    http = HttpSettings(
        clock=clock,
        tls=trust_store(settings.extra_ca_file or None),
        timeout_seconds=settings.store_timeout_seconds,
        # A server that others can reach must not be sent into its own network by a merchant.
        allow_private_addresses=settings.is_loopback,
    )
    interval = settings.tracking_interval_seconds
    return Oms(
        db=database,
        clock=clock,
        stores=StoreRegistry(http),
        carrier=_carrier(settings, http, database),
        photos=DiskPhotoStore(settings.photos_dir),
        decoder=ProcessDecoder(),
        machine=LinuxMachine(),
        policy=Policy(
            tracking_tick_seconds=min(interval, TRACKING_TICK_SECONDS) or TRACKING_TICK_SECONDS,
            cadence=Cadence.every(interval) if interval else Cadence(),
        ),
    )


def _carrier(settings: Settings, http: HttpSettings, database: Database) -> CarrierGateway | None:
    if not settings.tracking_token:
        return None

    def pace() -> float:
        with database.transaction():
            now_ms = http.clock.now_ms()
            name = f"carriers/{SeventeenTrack.name}"
            call_at = turns.reserve_call(database, name, now_ms, int(SECONDS_BETWEEN_CALLS * 1000))
        return max(0.0, (call_at - now_ms) / 1000)

    return SeventeenTrack(settings.tracking_token, http, base_url=settings.tracking_url, pace=pace)
