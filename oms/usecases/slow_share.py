"""How many threads of a process may wait for slow stores and carriers at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SlowShare:
    """Leaves some threads of the outside lane to systems that are known to answer in time.

    Which are slow is known from their last calls, over all processes (`turns.is_slow`). Ones that
    become slow at the same moment are not known yet, and may take every thread for one call.
    """

    def __init__(self, steps_max: int) -> None:
        """Allow so many steps at slow systems at once."""
        self._free = threading.BoundedSemaphore(steps_max)

    @contextmanager
    def room(self, *, is_slow: bool) -> Iterator[bool]:
        """Tell whether a step may begin, and keep its place while it runs."""
        if not is_slow:
            yield True
            return
        has_room = self._free.acquire(blocking=False)
        try:
            yield has_room
        finally:
            if has_room:
                self._free.release()
