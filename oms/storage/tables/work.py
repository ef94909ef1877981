"""Answers to request ids, jobs, the timetable, turns at outside systems, and processes."""

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    Check,
    CompositeKey,
    IntegerField,
    TextField,
)

from oms.storage.tables.columns import Table


class RequestRow(Table):
    """The answer that a request id got."""

    principal = TextField()
    method = TextField()
    request_id = TextField()
    body_hash = TextField()
    answer = BlobField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "request"
        primary_key = CompositeKey("principal", "method", "request_id")
        indexes = ((("created_at",), False),)


class JobRow(Table):
    """A piece of work."""

    id = TextField(primary_key=True)
    kind = TextField()
    merchant_id = TextField()
    dedupe_key = TextField(null=True)
    generation = IntegerField()
    args = TextField()
    cursor = TextField()
    state = TextField()
    due_at = BigIntegerField()
    lease_token = TextField(null=True)
    lease_until = BigIntegerField()
    lease_generation = IntegerField()
    crashes = IntegerField()
    failures = IntegerField()
    last_error = TextField()
    created_at = BigIntegerField()
    finished_at = BigIntegerField(null=True)
    lane = TextField(constraints=[SQL("DEFAULT 'INSIDE'")])
    process_id = TextField(constraints=[SQL("DEFAULT ''")])
    due_set_at = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "job"
        indexes = ((("state", "id"), False),)
        constraints = (Check("state IN ('PENDING', 'DONE', 'QUARANTINED', 'DISCARDED')"),)


JobRow.add_index(SQL("CREATE INDEX job_due ON job (lane, due_at) WHERE state = 'PENDING'"))
JobRow.add_index(SQL("CREATE UNIQUE INDEX job_dedupe ON job (dedupe_key) WHERE state = 'PENDING'"))


class ScheduleRow(Table):
    """A row of the timetable."""

    name = TextField(primary_key=True)
    kind = TextField()
    merchant_id = TextField()
    args = TextField()
    every_ms = BigIntegerField()
    next_at = BigIntegerField()

    class Meta:
        table_name = "schedule"
        indexes = ((("next_at",), False),)


class TurnRow(Table):
    """Whose turn it is to call an outside system, and when it may be called again."""

    name = TextField(primary_key=True)
    holder = TextField(null=True)
    held_until = BigIntegerField()
    not_before = BigIntegerField()
    next_call_at = BigIntegerField()
    asked_at = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    taken_at = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    slow_until = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "turn"


TurnRow.add_index(SQL("CREATE INDEX turn_holder ON turn (holder) WHERE holder IS NOT NULL"))


class ProcessRow(Table):
    """A worker or scheduler that runs, and what it lacks."""

    id = TextField(primary_key=True)
    kind = TextField()
    host = TextField()
    problem = TextField()
    started_at = BigIntegerField()
    seen_at = BigIntegerField()
    life = TextField(constraints=[SQL("DEFAULT ''")])

    class Meta:
        table_name = "process"
