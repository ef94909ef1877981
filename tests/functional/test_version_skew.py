"""A server gets along with clients one minor version newer and older than itself."""

from tests.functional.home import Home
from tests.functional.sample_requests import mutating_methods, reading_methods
from tests.services.newer_server import UNKNOWN_FIELD
from tests.services.stack import METHODS

ENDLESS = {"WatchOrders", "WatchAllocations"}


def test_field_that_is_not_known_changes_no_answer_of_a_read(home: Home):
    methods = sorted(set(reading_methods()) - ENDLESS)
    for method in methods:
        request, caller = home.sample(method), home.caller_of(method)
        newer = type(request).FromString(request.SerializeToString() + UNKNOWN_FIELD)

        assert caller.code(newer) == caller.code(request) == "OK", method

    assert len(methods) > 30


def test_field_that_is_not_known_keeps_no_change_from_being_checked(home: Home):
    """What is wrong with a request of a newer client is said as to any other: nothing crashes."""
    for method in mutating_methods():
        request_type = type(home.sample(method))
        empty = request_type.FromString(UNKNOWN_FIELD)

        code = home.caller_of(method).code(empty)

        assert code not in {"INTERNAL", "UNIMPLEMENTED"}, method
        assert METHODS[method]
