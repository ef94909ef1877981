"""The crash points of the code are those of the table, and nothing of the product arms them."""

import ast
from collections import Counter
from collections.abc import Iterator

from oms import crash_points
from tests.meta.rooms import ROOT

SHIPPED = ("oms", "server", "workers", "app")


def calls(function: str) -> Iterator[ast.Call]:
    for room in SHIPPED:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                if ast.unparse(node.func) == f"crash_points.{function}":
                    yield node


def test_every_point_of_the_table_is_one_place_in_the_code():
    named = Counter(ast.literal_eval(call.args[0]) for call in calls("reach"))

    assert named == dict.fromkeys(crash_points.POINTS, 1)


def test_nothing_that_is_shipped_arms_a_point():
    assert list(calls("watch")) == []
    assert crash_points._watchers == []
