"""What passes is Unavailable; a mistake of ours is not, and comes as it is."""

import peewee
import pytest

from oms.domain.errors import Unavailable
from oms.storage.database import Database


@pytest.mark.parametrize("sql", ["SELECT * FROM no_such_table", "SELECT no_such_column FROM job"])
def test_wrong_statement_is_a_mistake_of_ours(database, sql):
    with pytest.raises(peewee.DatabaseError), database.session():
        database.all(sql)

    with database.session():
        assert database.all("SELECT 1") == [(1,)]


def test_wrong_statement_in_a_transaction_rolls_it_back(database):
    def mistake():
        with database.transaction():
            database.run("INSERT INTO merchant VALUES ('m-mistake', 'M', 1)")
            database.run("UPDATE no_such_table SET x = 1")

    with pytest.raises(peewee.DatabaseError):
        mistake()

    with database.session():
        assert database.one("SELECT 1 FROM merchant WHERE id = 'm-mistake'") is None


@pytest.mark.parametrize(
    "url",
    ["sqlite:////no/such/folder/fbali.db", "postgresql://fbali@127.0.0.1:1/none?connect_timeout=2"],
)
def test_database_that_is_not_there_is_unavailable(url):
    with pytest.raises(Unavailable), Database(url).session():
        pass


def test_database_that_is_locked_is_unavailable(tmp_path):
    url = f"sqlite:///{tmp_path / 'locked.db'}"
    holder, other = Database(url), Database(url)
    other.peewee.timeout = 0.05
    with holder.transaction(), pytest.raises(Unavailable), other.transaction():
        pass
    holder.close()
