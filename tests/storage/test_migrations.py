"""The migrations arrive at exactly the shape of the models, on both databases."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms import storage
from oms.bootstrap import SchemaError, require_schema
from oms.storage.database import Database
from oms.storage.tables import TABLES
from tests.services.postgres import PostgresServer
from tests.services.scene import at_once

FOLDER = Path(storage.__file__).parent / "migrations"
MIGRATIONS = sorted(path.stem for path in FOLDER.glob("0*.py"))
NAMES = [table._meta.table_name for table in TABLES]


@pytest.fixture
def empty(database: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables, of the same kind as `database`."""
    if database.is_sqlite:
        fresh = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield fresh
        fresh.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    fresh = Database(url)
    yield fresh
    fresh.close()
    server.drop_database(url)


def columns(database: Database, table: str) -> set[tuple[object, ...]]:
    """Give (name, type, nullable, place in the primary key or 0) of every column."""
    if database.is_sqlite:
        rows = database.all(f"PRAGMA table_info({table})")
        # The first column of a primary key cannot be NULL there whatever it is declared as.
        return {(row[1], row[2], not row[3], row[5]) for row in rows}
    rows = database.all(
        "SELECT c.column_name, c.data_type, c.is_nullable = 'YES', COALESCE(k.ordinal_position, 0)"
        " FROM information_schema.columns c LEFT JOIN information_schema.table_constraints t"
        " ON t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'"
        " LEFT JOIN information_schema.key_column_usage k"
        " ON k.constraint_name = t.constraint_name AND k.column_name = c.column_name"
        " WHERE c.table_schema = 'public' AND c.table_name = ?",
        table,
    )
    return set(rows)


def indexes(database: Database, table: str) -> list[str]:
    """Give the definitions of a table's indexes without their names."""
    if database.is_sqlite:
        rows = database.all(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?"
            " AND sql IS NOT NULL",
            table,
        )
    else:
        rows = database.all("SELECT indexdef FROM pg_indexes WHERE tablename = ?", table)
    return sorted(squeezed(row[0]) for row in rows)


def squeezed(sql: str) -> str:
    """Bring a piece of SQL into one form."""
    text = re.sub(r"\bindex (if not exists )?\S+ on", "on", sql.lower().replace('"', ""))
    return re.sub(r"\s+", "", text.replace("public.", ""))


def constraints(database: Database, table: str) -> list[str]:
    """Give a table's CHECK constraints and references."""
    if not database.is_sqlite:
        rows = database.all(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = CAST(? AS regclass) AND contype IN ('c', 'f')",
            table,
        )
        return sorted(squeezed(row[0]) for row in rows)
    row = database.one("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", table)
    assert row is not None
    references = database.all('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', table)
    return sorted([*checks(row[0]), *(">".join(map(str, found)) for found in references)])


def checks(sql: str) -> Iterator[str]:
    """Cut the CHECK constraints out of a CREATE TABLE."""
    for start in (match.end() for match in re.finditer(r"CHECK\s*", sql)):
        depth, end = 0, start
        while end == start or depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        yield squeezed(sql[start:end])


@pytest.fixture
def from_models(empty: Database) -> Database:
    """A database that was made from the models."""
    with empty.transaction(), empty.peewee.bind_ctx(TABLES):
        for table in TABLES:  # In their own order: peewee would sort them by name.
            table.create_table(safe=False)
    return empty


@pytest.mark.parametrize("look", [columns, indexes, constraints])
def test_migrated_tables_are_those_of_the_models(database, from_models, look):
    with database.session(), from_models.session():
        for table in NAMES:
            assert (table, look(database, table)) == (table, look(from_models, table))


def test_comparison_sees_what_it_compares(database):
    with database.session():
        assert ("id", False) in {(name, null) for name, _, null, _ in columns(database, "job")}
        assert sum("unique" in index for index in indexes(database, "job")) >= 1
        assert any("where" in index for index in indexes(database, "package"))
        assert len([text for text in constraints(database, "order_line") if "packed" in text]) >= 4


def test_there_are_no_tables_but_those_of_the_models(database):
    with database.session():
        tables = set(database.peewee.get_tables())

    extra = tables - set(NAMES)
    assert set(NAMES) <= tables
    assert {name for name in extra if not name.startswith(("migration", "schema"))} == set()


def test_migrating_again_changes_nothing(database):
    with database.session():
        before = {table: columns(database, table) for table in NAMES}

    assert database.migrate() == []

    with database.session():
        assert {table: columns(database, table) for table in NAMES} == before
    assert database.pending_migrations() == []


def test_two_processes_migrate_at_once_and_one_does_the_work(empty):
    ran = at_once(empty, 4, lambda _: empty.migrate())

    assert ran.count([]) == 3
    assert [names for names in ran if names] == [MIGRATIONS]
    assert empty.pending_migrations() == []


def test_database_without_tables_is_refused_with_what_to_do(empty):
    assert empty.pending_migrations() == MIGRATIONS
    with pytest.raises(SchemaError, match="fbali-server migrate"):
        require_schema(empty)


def test_migrated_database_is_accepted(database):
    require_schema(database)


def test_newer_migration_than_the_program_knows_is_noticed(database):
    with database.transaction():
        database.run(
            "INSERT INTO schema_migration (name, applied) VALUES (?, ?)",
            "0099_future",
            "2027-01-15 00:00:00",
        )

    assert database.unknown_migrations() == ["0099_future"]
    with pytest.raises(SchemaError, match=r"newer than this program.*0099_future"):
        require_schema(database)
    with database.transaction():
        assert database.run("DELETE FROM schema_migration WHERE name = ?", "0099_future") == 1
