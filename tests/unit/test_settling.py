"""What is delivered of a log whose numbers commit out of order: all, once, in order."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from oms.storage.event_tail import Settling

ROWS_AT_ONCE = 4


@dataclass
class Database:
    """Draws numbers and transaction ids as PostgreSQL does: numbers are not given back."""

    next_number: int = 1
    next_xid: int = 100
    highest_over: int = 99
    running: dict[int, list[int]] = field(default_factory=dict)
    committed: set[int] = field(default_factory=set)

    def begin(self) -> None:
        self.running[self.next_xid] = []
        self.next_xid += 1

    def draw(self, xid: int) -> None:
        self.running[xid].append(self.next_number)
        self.next_number += 1

    def end(self, xid: int, *, commits: bool) -> None:
        numbers = self.running.pop(xid)
        self.highest_over = max(self.highest_over, xid)
        if commits:
            self.committed.update(numbers)

    def draw_xid(self) -> int:
        """Draw one in a transaction that is over at once."""
        self.begin()
        xid = self.next_xid - 1
        self.end(xid, commits=True)
        return xid

    @property
    def xmin(self) -> int:
        """Ids above the highest one that is over are not known to a snapshot."""
        return min([*self.running, self.highest_over + 1])


class Reader:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.settling = Settling(0)
        self.got: list[int] = []

    def read(self) -> int:
        position = self.settling.position
        visible = sorted(number for number in self.database.committed if number > position)
        numbers = visible[:ROWS_AT_ONCE]
        database = self.database
        count = self.settling.deliverable(numbers, database.xmin, database.draw_xid)
        self.got += numbers[:count]
        return count


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "draw", "commit", "roll back", "read"]), st.integers(0, 9)),
    max_size=60,
)


@given(STEPS)
@settings(max_examples=400, deadline=None)
def test_every_committed_number_is_delivered_once_and_in_order(steps):
    database = Database()
    reader = Reader(database)
    for step, choice in steps:
        running = list(database.running)
        if step == "read":
            reader.read()
        elif step == "begin" or not running:
            database.begin()
        elif step == "draw":
            database.draw(running[choice % len(running)])
        else:
            database.end(running[choice % len(running)], commits=step == "commit")
        assert set(reader.got) <= database.committed
    for xid in list(database.running):
        database.end(xid, commits=True)

    while reader.read() or reader.settling.waits:
        pass

    assert reader.got == sorted(database.committed)


def test_gap_holds_back_until_all_are_over_that_ran_when_it_was_seen():
    settling = Settling(0)

    counts = [settling.deliverable([2], xmin, lambda: 105) for xmin in (100, 104, 105)]

    assert counts == [0, 0, 1]


def test_gap_of_a_transaction_above_all_that_are_over_is_seen():
    """The snapshot's xmax is 101 then, although 101 itself runs."""
    database = Database()
    reader = Reader(database)
    database.begin()
    database.begin()
    database.draw(101)
    database.draw(100)
    database.end(100, commits=True)
    early = [reader.read(), reader.read()]

    database.end(101, commits=True)

    assert early == [0, 0]
    assert reader.read() == 2


def test_what_is_before_a_gap_is_delivered():
    settling = Settling(0)

    assert settling.deliverable([1, 2, 4], 100, lambda: 101) == 2
    assert settling.position == 2
    assert settling.waits
