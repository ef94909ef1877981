"""What was valid in a released contract stays valid: older clients go on as they are.

`buf breaking` compares names, numbers and types, not the rules of validation.
"""

import gzip
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.duration_pb2 import Duration

from buf.validate import validate_pb2
from docs.field_rules import required_fields
from tests.meta.contract_walk import PACKAGE, sent_fields
from tests.meta.rooms import ROOT

# Bounds may move in one direction; every other rule may only go.
UPPER = ("max_len", "max_bytes", "max_items", "lte", "lt")
LOWER = ("min_len", "min_bytes", "min_items", "gte", "gt")

Rules = Mapping[str, Any]


def released() -> Mapping[str, FieldDescriptor]:
    """Give every field of the released contract by its full name."""
    image = gzip.decompress((ROOT / "protos" / "baseline.binpb.gz").read_bytes())
    pool = DescriptorPool()
    messages = []
    for file in FileDescriptorSet.FromString(image).file:
        pool.Add(file)
        messages += [
            f"{PACKAGE}.{item.name}" for item in file.message_type if file.package == PACKAGE
        ]
    return {
        field.full_name: field
        for name in messages
        for field in pool.FindMessageTypeByName(name).fields
    }


def rules_of(field: FieldDescriptor) -> Rules:
    """Give the rules of a field by their paths, whatever pool its descriptor is from."""
    options = type(field.GetOptions()).FromString(field.GetOptions().SerializeToString())
    return dict(flat(options.Extensions[validate_pb2.field], ""))


def flat(rules: Any, path: str) -> Iterator[tuple[str, Any]]:
    for field, value in rules.ListFields():
        where = f"{path}{field.name}"
        if field.is_repeated:
            yield where, list(value)
        elif isinstance(value, Duration):
            yield where, value.ToNanoseconds()
        elif field.message_type is None:
            yield where, value
        else:
            yield from flat(value, f"{where}.")


def tightened(before: Rules, after: Rules) -> list[str]:
    """List the rules that refuse what was taken before."""
    found = [
        path for path in after if path != "ignore" and not is_as_wide(path, before, after[path])
    ]
    # Without it, what is empty meets the other rules.
    return [*found, "ignore"] if before.get("ignore", 0) and not after.get("ignore", 0) else found


def is_as_wide(path: str, before: Rules, now: Any) -> bool:
    if path not in before:
        return False
    if path.endswith(UPPER) and isinstance(now, int | float):
        return bool(now >= before[path])
    if path.endswith(LOWER) and isinstance(now, int | float):
        return bool(now <= before[path])
    if path.endswith("not_in"):
        return set(now) <= set(before[path])
    return bool(now == before[path])


def test_rules_of_what_was_released_are_not_tightened():
    before = released()

    found = {
        field.full_name: worse
        for field in sent_fields()
        if field.full_name in before
        if (worse := tightened(rules_of(before[field.full_name]), rules_of(field)))
    }

    assert found == {}


def test_new_field_of_a_released_message_may_be_left_out():
    before = released()
    known = {name.rpartition(".")[0] for name in before}

    demanded = [
        field.full_name
        for field in sent_fields()
        if field.full_name not in before
        and field.full_name.rpartition(".")[0] in known
        and field.name in required_fields(field.containing_type)
    ]

    assert demanded == []


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ({}, {"required": True}, ["required"]),
        ({}, {"string.max_len": 9}, ["string.max_len"]),
        ({"string.max_len": 9}, {"string.max_len": 8}, ["string.max_len"]),
        ({"string.max_len": 9}, {"string.max_len": 10}, []),
        ({"string.max_len": 9}, {}, []),
        ({"int32.gte": 0}, {"int32.gte": 1}, ["int32.gte"]),
        ({"int32.gte": 1}, {"int32.gte": 0}, []),
        ({"string.pattern": "^a?$"}, {"string.pattern": "^a$"}, ["string.pattern"]),
        ({"enum.not_in": [0]}, {"enum.not_in": [0, 1]}, ["enum.not_in"]),
        ({"repeated.max_items": 9}, {"repeated.max_items": 8}, ["repeated.max_items"]),
        ({"duration.lte": 9}, {"duration.lte": 8}, ["duration.lte"]),
        ({"string.uuid": True, "ignore": 1}, {"string.uuid": True}, ["ignore"]),
        ({"string.uuid": True}, {"string.uuid": True, "ignore": 1}, []),
    ],
)  # fmt: skip
def test_tightened_rule_is_noticed(before: Rules, after: Rules, worse: list[str]):
    assert tightened(before, after) == worse


def test_released_contract_is_read_with_its_rules():
    before = released()

    assert len(before) > 700
    assert rules_of(before["fbali.v1.ListOrdersRequest.page_token"]) == {"string.max_len": 1024}
    assert rules_of(before["fbali.v1.SyncOrdersRequest.request_id"]) == {
        "ignore": validate_pb2.IGNORE_IF_ZERO_VALUE,
        "string.uuid": True,
    }
