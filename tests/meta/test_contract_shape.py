"""What linters of protos cannot see: the rules of api.dev's AIPs that the contract keeps.

What it does otherwise, and why, is in docs/adr/0005-contract.md.
"""

import re
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from buf.validate import validate_pb2
from docs.contract_comments import comment_of
from docs.field_rules import required_fields
from server.app import SERVICES
from tests.meta.contract_walk import (
    PACKAGE,
    REASONS,
    each_method,
    enums,
    files,
    is_output_only,
    messages,
    reasons_of,
    sent_fields,
)

SAFE_TO_REPEAT = {"WriteUploadChunk", "ImportOrders"}  # By offset, and by the name of the run.
# At most 500 and 10, as their comments say.
UNPAGED_LISTS = {"ListUnhostedProducts", "ListPhotos"}
# What they are about has no name of its own above it.
WITHOUT_PARENT = {
    *("GetServerInfo", "CreateMerchant", "ListMerchants", "CreateVendor", "ListVendors"),
    *("IssueToken", "ListTokens", "ListJobs"),
    # A case has three parties, so that no one of them is its parent for all.
    *("CheckEligibility", "CreateCase", "ListCases", "CountCases"),
}
# They add to what is there, whatever it is by now.
APPENDING = {"AddMessage", "RecordCosts", "ReportPackageEvent"}
# A list of events goes on where a watch stopped, so its tokens are those of watches.
EVENT_LISTS = {"ListOrderEvents", "ListAllocationEvents"}
EVERY_METHOD = {
    *("TOKEN_MISSING", "TOKEN_INVALID", "ROLE_NOT_ALLOWED", "INVALID_FIELD", "METHOD_UNKNOWN"),
    *("LIMIT_EXCEEDED", "TEMPORARILY_UNAVAILABLE", "INTERNAL"),
}
FILE_OPTIONS = {
    "csharp_namespace": "Fbali.V1",
    "go_package": "fbali/v1;fbaliv1",
    "java_multiple_files": True,
    "java_package": "com.fbali.v1",
    "objc_class_prefix": "FBA",
    "php_namespace": "Fbali\\V1",
    "ruby_package": "Fbali::V1",
}
STRING, BYTES = FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES
ENUM, INT32 = FieldDescriptor.TYPE_ENUM, FieldDescriptor.TYPE_INT32


def rules_of(field: FieldDescriptor) -> Any:
    """Give the rules of a field, of a list those of its items."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return rules.repeated.items if field.is_repeated else rules


# --- Methods ----------------------------------------------------------------------------------


@each_method
def test_name_or_parent_comes_first(service: Any, method: Any):
    numbers = {field.name: field.number for field in method.input_type.fields}
    found = {"name", "parent"} & set(numbers)

    if method.name in WITHOUT_PARENT:
        assert found == set()
        return
    [first] = found
    assert numbers[first] == 1
    assert method.input_type.fields_by_name[first].type == STRING
    if re.match("(List|Count|Create|BatchCreate|Watch|Export|Import)[A-Z]", method.name):
        assert first == "parent"
    if re.match("(Get(?!SalesReport|VendorScorecard)|Update|Delete)[A-Z]", method.name):
        assert first == "name"


@each_method
def test_list_is_paged(service: Any, method: Any):
    fields, answered = method.input_type.fields_by_name, method.output_type.fields
    if not method.name.startswith("List") or method.name in UNPAGED_LISTS:
        assert "page_token" not in fields
        return

    assert fields["page_size"].type == INT32
    assert rules_of(fields["page_size"]).int32.gte == 0
    assert rules_of(fields["page_token"]).string.max_len == 1024
    assert (answered[0].is_repeated, answered[0].number) == (True, 1)
    assert (answered[1].name, answered[1].number) == ("next_page_token", 2)


@each_method
def test_request_id_is_taken_by_changes_alone(service: Any, method: Any):
    changes = method.GetOptions().idempotency_level == MethodOptions.IDEMPOTENT
    fields = method.input_type.fields_by_name

    assert ("request_id" in fields) == (changes and method.name not in SAFE_TO_REPEAT)
    if "request_id" in fields:
        assert fields["request_id"].type == STRING
        assert rules_of(fields["request_id"]).string.uuid
        assert "request_id" not in required_fields(method.input_type)


def test_request_id_is_of_requests_alone():
    holders = {message.name for message in messages() if "request_id" in message.fields_by_name}

    assert all(name.endswith("Request") for name in holders)


@each_method
def test_etag_is_taken_where_what_was_read_is_changed(service: Any, method: Any):
    fields = method.input_type.fields_by_name
    changed = [
        field.message_type
        for field in method.output_type.fields
        if field.message_type
        and not field.is_repeated
        and "etag" in field.message_type.fields_by_name
    ]
    inside = [
        field.message_type.name
        for field in method.input_type.fields
        if field.message_type and "etag" in field.message_type.fields_by_name
    ]
    takes = "etag" in fields or (bool(inside) and not method.name.startswith("Create"))
    changes = method.GetOptions().idempotency_level == MethodOptions.IDEMPOTENT
    expected = changes and "name" in fields and bool(changed) and method.name not in APPENDING

    assert takes or not expected
    assert not takes or changes
    assert ("ETAG_MISMATCH" in reasons_of(method)) == (
        takes and not method.name.startswith("Batch")
    )
    if "etag" in fields:
        assert rules_of(fields["etag"]).string.max_len == 64
        assert "etag" not in required_fields(method.input_type)


@each_method
def test_reasons_are_those_of_the_contract_and_go_with_the_fields(service: Any, method: Any):
    fields, reasons = set(method.input_type.fields_by_name), reasons_of(method)

    assert set(reasons) <= REASONS
    assert len(set(reasons)) == len(reasons)
    assert ("REQUEST_ID_REUSED" in reasons) == ("request_id" in fields)
    is_paged = "page_token" in fields and method.name not in EVENT_LISTS
    assert ("PAGE_TOKEN_INVALID" in reasons) == is_paged
    resumes = "resume_token" in fields or method.name in EVENT_LISTS
    assert ({"RESUME_TOKEN_INVALID", "RESUME_TOKEN_EXPIRED"} <= set(reasons)) == resumes
    if "name" in fields:
        assert "RESOURCE_NOT_FOUND" in reasons


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_service_names_the_reasons_of_every_method(service: Any):
    sentence = re.search(r"Every method can be refused with (.*?);", comment_of(service))

    assert sentence is not None
    assert set(re.split(r", | and ", sentence[1])) == EVERY_METHOD


# --- Fields -----------------------------------------------------------------------------------


def is_bounded(field: FieldDescriptor) -> bool:
    """Tell whether what a caller sends in a field, or in each item of it, has an end."""
    rules = rules_of(field)
    if field.type == BYTES:
        return bool(rules.bytes.HasField("max_len") or rules.bytes.len)
    if field.type == ENUM:
        return bool(rules.enum.defined_only)
    if field.type == STRING:
        has_length = rules.string.HasField("max_len") or rules.string.uuid
        # A pattern is a bound where each of its repetitions has one.
        return bool(has_length or re.fullmatch(r"\^([^*+]|\\[*+])+\$", rules.string.pattern))
    return True


def test_everything_that_is_sent_is_bounded():
    assert [
        field.full_name
        for field in sent_fields()
        if not (is_bounded(field) or is_output_only(field))
    ] == []
    assert [
        field.full_name
        for field in sent_fields()
        if field.is_repeated
        and not field.GetOptions().Extensions[validate_pb2.field].repeated.HasField("max_items")
    ] == []


MAY_BE_LEFT_OUT = re.compile(
    r"\b(or|is|are) empty\b|; empty\b|, or absent|absent (means|for)|unspecified (means|for|is)"
    r"|\b0 means|unset means"
)


def test_comments_say_what_may_be_left_out_as_the_rules_do():
    """REQUIRED is said once, by the rules; the comment must not say the contrary."""
    contradicted = [
        field.full_name
        for field in sent_fields()
        if field.name in required_fields(field.containing_type)
        and field.message_type is None
        and MAY_BE_LEFT_OUT.search(comment_of(field))
    ]

    assert contradicted == []


def test_instants_and_spans_are_named_for_what_they_are():
    wrong = []
    for message in messages():
        for field in message.fields:
            kind = field.message_type.full_name if field.message_type else ""
            if field.name.endswith("_time") != (kind == "google.protobuf.Timestamp"):
                wrong.append(field.full_name)
            if re.search("_(duration|interval)$", field.name) and not kind.endswith(".Duration"):
                wrong.append(field.full_name)

    assert wrong == []


def test_nothing_but_a_share_is_a_fraction():
    fractions = {
        field.name
        for message in messages()
        for field in message.fields
        if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)
    }

    assert fractions == {"rejection_share", "exception_share"}


# --- Words and options ------------------------------------------------------------------------


def test_files_name_the_packages_of_every_language():
    for file in files():
        options = file.GetOptions()
        assert {name: getattr(options, name) for name in FILE_OPTIONS} == FILE_OPTIONS, file.name


def test_enums_are_prefixed_and_begin_with_unspecified():
    for enum in enums():
        prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper()
        assert enum.values_by_number[0].name == f"{prefix}_UNSPECIFIED"
        assert all(value.name.startswith(f"{prefix}_") for value in enum.values)


def everything() -> list[Any]:
    methods = [method for service in SERVICES for method in service.methods]
    fields = [field for message in messages() for field in message.fields]
    oneofs = [oneof for message in messages() for oneof in message.oneofs if len(oneof.fields) > 1]
    values = [value for enum in enums() for value in enum.values]
    return [*SERVICES, *methods, *messages(), *fields, *oneofs, *enums(), *values]


def test_comments_are_whole_sentences():
    broken = []
    for item in everything():
        comment = comment_of(item)
        if not re.match(r"[A-Z0-9a-z\"/].*[.]$", comment) or re.search(r"TODO|FIXME|XXX", comment):
            broken.append(f"{item.name}: {comment}")

    assert broken == []


@each_method
def test_comment_of_a_method_says_what_it_does(service: Any, method: Any):
    assert re.match(r"[A-Z][a-z]+s ", comment_of(method))


def test_walk_finds_the_whole_contract():
    assert len(files()) >= 32
    assert len(list(sent_fields())) >= 300
    assert all(file.package == PACKAGE for file in files())
