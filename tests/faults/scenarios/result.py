"""What a scenario came to, and the table that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = (
    "scenario",
    "form",
    "load",
    "faults injected",
    "lost",
    "doubled",
    "drained in",
    "fault-free",
    "bar",
)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. Seconds; `calm_seconds` is None where there is nothing to compare.

    `misses` names each bar of time that was not reached, in words; lost and doubled speak for
    themselves. `wrong` names everything else that must not be, whatever the load and the machine.
    """

    scenario: str
    form: str
    load: str
    faults: str
    lost: int
    doubled: int
    seconds: float
    calm_seconds: float | None = None
    misses: Sequence[str] = ()
    wrong: Sequence[str] = ()

    @property
    def is_reached(self) -> bool:
        return not (self.lost or self.doubled or self.misses or self.wrong)

    def cells(self) -> list[str]:
        calm = "" if self.calm_seconds is None else f"{self.calm_seconds:.1f} s"
        first = [f"{len(self.wrong)} wrong, first: {self.wrong[0]}"] if self.wrong else []
        words = "; ".join([*self.misses, *first]) or ("reached" if self.is_reached else "missed")
        return [
            self.scenario,
            self.form,
            self.load,
            self.faults,
            str(self.lost),
            str(self.doubled),
            f"{self.seconds:.1f} s",
            calm,
            words,
        ]


def table(results: Sequence[Result]) -> str:
    """Write the table, aligned, as Markdown."""
    lines = [list(HEAD), *(result.cells() for result in results)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in (lines[0], rule, *lines[1:])
    )
