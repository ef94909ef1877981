"""Backup and restore: whole or not at all, checked before anything is touched."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.backup import MANIFEST, make_backup
from app.restore import restore_backup
from oms.domain.errors import NotFound, Refused
from oms.domain.jobs import JobKind
from oms.settings import Settings, read_settings
from oms.storage import jobs, turns
from oms.storage.database import Database
from tests.functional.estate import Estate
from tests.functional.ledgers import wrong_costs, wrong_ledgers
from tests.services.postgres import PostgresServer
from tests.services.stack import Stack, dump

HOUR_MS = 3_600_000


def settings_of(folder: Path, url: str) -> Settings:
    return read_settings({"FBALI_DATA_DIR": str(folder), "FBALI_DATABASE_URL": url})


def home_of(stack: Stack) -> Settings:
    return settings_of(stack.settings.data_dir, stack.db.url)


@pytest.fixture
def elsewhere(
    stack: Stack, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], Database]]:
    """Makes homes without any data, of the same kind; the folder of data is `elsewhere`."""
    made: list[Database] = []
    server: PostgresServer | None = None
    if not stack.db.is_sqlite:
        server = request.getfixturevalue("postgres_server")

    def make() -> Database:
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        file = tmp_path / "elsewhere" / f"{len(made)}.db"
        made.append(Database(f"sqlite:///{file}" if server is None else server.new_database()))
        return made[-1]

    yield make
    for database in made:
        database.close()
        if server is not None:
            server.drop_database(database.url)


@pytest.fixture
def empty(elsewhere: Callable[[], Database]) -> Database:
    return elsewhere()


@pytest.fixture
def other_home(empty: Database, tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "elsewhere", empty.url)


def put_photo(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "photos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


def test_what_is_restored_is_what_was_saved(
    stack: Stack, estate: Estate, empty: Database, other_home: Settings, tmp_path: Path
):
    put_photo(tmp_path, "files/ab/abcd", b"photo")
    put_photo(tmp_path, "new/half", b"pho")
    before = dump(stack.db, without=["process"])

    made = make_backup(home_of(stack), tmp_path / "backup")
    restored = restore_backup(other_home, tmp_path / "backup", is_forced=False)

    assert restored == made
    assert made.orders == len(before["orders"]) > 0
    assert dump(empty, without=["process"]) == before
    assert wrong_ledgers(empty) == wrong_costs(empty) == []
    assert empty.pending_migrations() == []
    photos = tmp_path / "elsewhere" / "photos"
    assert (photos / "files/ab/abcd").read_bytes() == b"photo"
    assert not (photos / "new").exists()
    assert modes(tmp_path / "backup") == {0o600}
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    assert photos.joinpath("files/ab/abcd").stat().st_mode & 0o777 == 0o600
    if empty.file is not None:
        assert empty.file.stat().st_mode & 0o777 == 0o600


def test_job_that_ran_during_the_backup_can_be_claimed_and_counts_no_crash(
    stack: Stack, empty: Database, other_home: Settings, tmp_path: Path
):
    now = stack.clock.now_ms()
    with stack.db.transaction():
        jobs.enqueue(stack.db, JobKind.PRUNE, now)
        [row] = stack.db.all("SELECT id FROM job WHERE kind = 'prune'")
    with stack.db.session():
        claimed = jobs.claim(stack.db, row[0], now + HOUR_MS)
    assert claimed is not None
    with stack.db.transaction():
        assert turns.take(stack.db, "stores/s1", claimed.lease_token, now + HOUR_MS) == 0

    make_backup(home_of(stack), tmp_path / "backup")
    restore_backup(other_home, tmp_path / "backup", is_forced=False)

    assert (row[0], "prune") in jobs.take_due(empty, now, 10)
    with empty.session():
        again = jobs.claim(empty, row[0], now)
    assert again is not None
    assert again.crashes == 0
    with empty.transaction():
        assert turns.take(empty, "stores/s1", again.lease_token, now) == 0


def test_database_with_data_is_replaced_only_by_force(
    stack: Stack, estate: Estate, empty: Database, other_home: Settings, tmp_path: Path
):
    empty.migrate()
    with empty.transaction():
        empty.run("INSERT INTO merchant (id, display_name, created_at) VALUES ('m1', 'Old', 1)")
    before = dump(empty)
    empty.close()
    make_backup(home_of(stack), tmp_path / "backup")

    with pytest.raises(Refused, match="--force"):
        restore_backup(other_home, tmp_path / "backup", is_forced=False)
    assert dump(empty) == before
    empty.close()

    restore_backup(other_home, tmp_path / "backup", is_forced=True)
    assert dump(empty, without=["process"]) == dump(stack.db, without=["process"])
    assert list((tmp_path / "elsewhere").glob(".*")) == []


def test_database_in_use_is_not_replaced(stack: Stack, estate: Estate, tmp_path: Path):
    make_backup(home_of(stack), tmp_path / "backup")
    before = dump(stack.db)

    with pytest.raises(Refused, match="stop every process"):
        restore_backup(home_of(stack), tmp_path / "backup", is_forced=True)

    assert dump(stack.db) == before


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def alter_manifest(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **fields}))


def database_file(folder: Path) -> Path:
    [path] = folder.glob("database.*")
    return path


SPOILT: list[tuple[str, Callable[[Path], object], str]] = [
    ("no manifest", lambda folder: (folder / MANIFEST).unlink(), "is no backup"),
    ("half a manifest", lambda folder: (folder / MANIFEST).write_text("{"), "cannot be read"),
    ("other manifest", lambda folder: (folder / MANIFEST).write_text("[]"), "cannot be read"),
    ("no database", lambda folder: database_file(folder).unlink(), "is missing"),
    ("altered database", lambda folder: alter(database_file(folder)), "checksum differs"),
    ("altered photo", lambda folder: alter(folder / "photos/files/p1"), "checksum differs"),
    ("no photo", lambda folder: (folder / "photos/files/p1").unlink(), "is missing"),
    ("newer", lambda folder: alter_manifest(folder, schema=["0099_future"]), "0099_future"),
    ("other format", lambda folder: alter_manifest(folder, format=2), "the format 2"),
    ("other rows", lambda folder: alter_manifest(folder, rows={"orders": 1}), "other rows"),
    (
        "path outside",
        lambda folder: alter_manifest(
            folder, files={"../x": [1, ""], database_file(folder).name: [1, ""]}
        ),
        "outside the backup",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "words"), [pytest.param(*case[1:], id=case[0]) for case in SPOILT]
)
def test_backup_that_is_not_whole_replaces_nothing(
    stack: Stack,
    empty: Database,
    other_home: Settings,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    words: str,
):
    put_photo(tmp_path, "files/p1", b"a photo")
    empty.migrate()
    before = dump(empty)
    empty.close()
    make_backup(home_of(stack), tmp_path / "backup")
    spoil(tmp_path / "backup")

    with pytest.raises(Refused, match=words):
        restore_backup(other_home, tmp_path / "backup", is_forced=True)

    assert dump(empty) == before
    assert empty.pending_migrations() == []
    empty.close()
    assert list((tmp_path / "elsewhere").glob(".*")) == []


def test_database_whose_ledgers_are_wrong_is_not_put_in_place(
    stack: Stack, estate: Estate, empty: Database, other_home: Settings, tmp_path: Path
):
    with stack.db.transaction():
        assert stack.db.run(
            "UPDATE allocation_line SET quantity = quantity + 1 WHERE packed = 0 AND returned = 0"
        )
    make_backup(home_of(stack), tmp_path / "backup")

    with pytest.raises(Refused, match="count other units as allocated"):
        restore_backup(other_home, tmp_path / "backup", is_forced=False)

    assert empty.applied_migrations() == []


def test_backup_never_overwrites_and_leaves_nothing_half(stack: Stack, tmp_path: Path):
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "mine").write_text("kept")

    with pytest.raises(Refused, match="is there already"):
        make_backup(home_of(stack), tmp_path / "backup")

    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["mine"]
    assert list(tmp_path.glob(".backup*")) == []


def test_backup_of_a_damaged_database_says_so_and_leaves_nothing(tmp_path: Path):
    (tmp_path / "fbali.db").write_bytes(b"not a database at all" * 1000)
    home = settings_of(tmp_path, f"sqlite:///{tmp_path / 'fbali.db'}")

    with pytest.raises(Refused, match="cannot be read: file is not a database"):
        make_backup(home, tmp_path / "backup")

    assert [path.name for path in tmp_path.iterdir()] == ["fbali.db"]


def test_without_a_database_there_is_nothing_to_save(tmp_path: Path):
    home = settings_of(tmp_path / "home", f"sqlite:///{tmp_path / 'none.db'}")

    with pytest.raises(NotFound, match="fbali-server init"):
        make_backup(home, tmp_path / "backup")

    assert list(tmp_path.iterdir()) == []


def test_damaged_database_is_replaced_by_force(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'fbali.db'}")
    database.migrate()
    database.close()
    home = settings_of(tmp_path, database.url)
    make_backup(home, tmp_path / "backup")
    (tmp_path / "fbali.db").write_bytes(b"not a database at all" * 1000)
    (tmp_path / "fbali.db-wal").write_bytes(b"left over")

    with pytest.raises(Refused, match="--force"):
        restore_backup(home, tmp_path / "backup", is_forced=False)
    restore_backup(home, tmp_path / "backup", is_forced=True)

    assert database.pending_migrations() == []
    database.close()


def test_restore_on_postgresql_that_was_killed_is_undone_by_the_next(
    postgres_url: str, tmp_path: Path
):
    database = Database(postgres_url)
    database.migrate()
    home = settings_of(tmp_path, postgres_url)
    make_backup(home, tmp_path / "backup")
    with database.transaction():  # As after a kill between putting aside and putting back.
        database.run("CREATE SCHEMA fbali_former")
        database.run("ALTER TABLE merchant SET SCHEMA fbali_former")
        database.run("CREATE TABLE merchant (half INTEGER)")
    database.close()

    restore_backup(home, tmp_path / "backup", is_forced=True)

    assert database.pending_migrations() == []
    with database.session():
        assert database.all("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'fbali%'") == []
        assert database.all("SELECT id FROM merchant") == []
    database.close()


def test_password_is_not_among_the_arguments_of_pg_dump(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/seen\necho no >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    migrate(postgres_url)
    home = settings_of(tmp_path, postgres_url.replace("fbali@", "fbali:s3cret@"))

    with pytest.raises(Refused, match="pg_dump failed: no"):
        make_backup(home, tmp_path / "backup")

    assert "s3cret" not in (tmp_path / "seen").read_text()
    assert "--format=custom" in (tmp_path / "seen").read_text()
    assert not (tmp_path / "backup").exists()


def test_without_pg_dump_it_says_what_to_install(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    migrate(postgres_url)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Refused, match="pg_dump is not on the path: install"):
        make_backup(settings_of(tmp_path, postgres_url), tmp_path / "backup")

    assert list(tmp_path.glob("*backup*")) == []


def test_sqlite_backup_is_one_file_without_a_log(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'fbali.db'}")
    database.migrate()
    database.close()

    make_backup(settings_of(tmp_path, database.url), tmp_path / "backup")

    assert {path.name for path in (tmp_path / "backup").iterdir()} == {
        "database.sqlite3",
        "manifest.json",
    }
    with closing(sqlite3.connect(tmp_path / "backup" / "database.sqlite3")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
