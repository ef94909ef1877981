"""What stores are told of parcels."""

from peewee import BigIntegerField, BooleanField, IntegerField, TextField

from oms.domain.write_backs import WriteBackState
from oms.storage.tables.columns import Table, one_of, refers_to


class WriteBackRow(Table):
    """A parcel that is, or is to be, told to the store of its order."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    order_id = refers_to("orders")
    store_id = refers_to("store")
    package_id = refers_to("package")
    tracking_number = TextField()
    state = TextField()
    method = TextField()
    failure_count = IntegerField()
    problem_reason = TextField()
    problem_message = TextField()
    external_id = TextField()
    is_outdated = BooleanField()
    next_attempt_at = BigIntegerField(null=True)
    created_at = BigIntegerField()
    finished_at = BigIntegerField(null=True)

    class Meta:
        table_name = "write_back"
        indexes = (
            (("package_id",), True),
            (("order_id", "id"), False),
            (("merchant_id", "id"), False),
            (("merchant_id", "state", "id"), False),
        )
        constraints = (one_of("state", WriteBackState),)
