"""Let others go on at once with what a process of this machine had in hand when it was killed.

A lease runs out by itself, but only after seconds. Processes of other machines, and those that
sleep or do not answer, are left to that: nothing tells them from busy ones.
"""

import logging

from oms.storage import in_hand, processes
from oms.usecases.context import Oms

log = logging.getLogger(__name__)


def release_processes(oms: Oms) -> None:
    """Look for processes that have ended without a word; any number may look at once."""
    with oms.db.session():
        known = processes.lives(oms.db)
    for process_id, life in known:
        if oms.machine.has_ended(life):
            released = in_hand.release(oms.db, process_id, oms.clock.now_ms())
            with oms.db.transaction():
                processes.bury(oms.db, process_id)
            log.warning("%s was killed: %d jobs of it are due", process_id, released)
