"""What does not work at the moment, although calls are served."""

from collections.abc import Sequence

from oms.storage import processes
from oms.usecases.context import Oms


def problems(oms: Oms) -> Sequence[str]:
    """Say in words what is missing for work to be done; empty when nothing is."""
    with oms.db.session():
        newer = oms.db.unknown_migrations()
        seen = processes.living(oms.db, oms.clock.now_ms())
    living = [process for process in seen if not oms.machine.has_ended(process.life)]
    kinds = {kind for process in living for kind in process.kind.split(",")}
    missing = [words for kind, words in _MISSING.items() if kind not in kinds]
    outdated = [f"the database has moved on to {newer[-1]}: upgrade this server"] if newer else []
    return [
        *outdated,
        *missing,
        *sorted({process.problem for process in living if process.problem}),
    ]


_MISSING = {
    "worker": "no worker runs: calls are answered, jobs wait",
    "scheduler": "no scheduler runs: nothing happens by the clock",
}
