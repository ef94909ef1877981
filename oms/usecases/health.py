"""What does not work at the moment, although calls are served."""

from collections.abc import Sequence

from oms.storage import processes
from oms.usecases.context import Oms


def problems(oms: Oms) -> Sequence[str]:
    """Say in words what is missing for work to be done; empty when nothing is."""
    with oms.db.session():
        living = processes.living(oms.db, oms.clock.now_ms())
    kinds = {kind for process in living for kind in process.kind.split(",")}
    missing = [words for kind, words in _MISSING.items() if kind not in kinds]
    return [*missing, *sorted({process.problem for process in living if process.problem})]


_MISSING = {
    "worker": "no worker runs: calls are answered, jobs wait",
    "scheduler": "no scheduler runs: nothing happens by the clock",
}
