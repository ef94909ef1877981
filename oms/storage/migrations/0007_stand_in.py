"""Stand-in for the cases, until theirs is merged."""

from oms.storage.dialects import statements_of


def up(migrator, db):
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
