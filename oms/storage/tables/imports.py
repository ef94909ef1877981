"""Files of orders that were taken in, and their rows that could not be."""

from peewee import SQL, BigIntegerField, CompositeKey, IntegerField, TextField

from oms.domain.imports import ImportFormat, ImportRunState
from oms.storage.tables.columns import Table, one_of, refers_to


class ImportRunRow(Table):
    """One file of orders under its merchant's name for it."""

    id = TextField(primary_key=True)
    merchant_id = refers_to("merchant")
    name = TextField()
    store_id = refers_to("store")
    format = TextField()
    state = TextField()
    attempt = IntegerField()
    line_count = BigIntegerField()
    order_count = BigIntegerField()
    created_count = BigIntegerField()
    changed_count = BigIntegerField()
    unchanged_count = BigIntegerField()
    broken_count = BigIntegerField()
    problem = TextField()
    heard_at = BigIntegerField()
    started_at = BigIntegerField()
    finished_at = BigIntegerField(null=True)

    class Meta:
        table_name = "import_run"
        constraints = (one_of("format", ImportFormat), one_of("state", ImportRunState))
        indexes = (
            (("merchant_id", "name"), True),
            (("merchant_id", "started_at", "id"), False),
        )


class BrokenRowRow(Table):
    """A row of a file that could not be taken."""

    import_run_id = TextField(constraints=[SQL("REFERENCES import_run (id)")])
    position = IntegerField()
    line_number = BigIntegerField()
    external_id = TextField()
    problem = TextField()

    class Meta:
        table_name = "broken_row"
        primary_key = CompositeKey("import_run_id", "position")
