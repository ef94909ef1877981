"""State machines as tables: (state, event) -> state, with a validator."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from oms.domain.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True)
class TransitionTable(Generic[S, E]):
    """All arrows of one kind of thing; every pair that is absent is refused."""

    kind: str
    initial: S
    arrows: Mapping[tuple[S, E], S]

    def advance(self, subject: str, state: S, event: E) -> S:
        """Return the state after the event.

        Raises:
            IllegalTransition: the table has no such arrow; it names what the state allows.
        """
        after = self.arrows.get((state, event))
        if after is None:
            raise IllegalTransition(
                subject, event=event.value, state=state.value, allowed=self.allowed(state)
            )
        return after

    def allowed(self, state: S) -> tuple[str, ...]:
        """List the events that have an arrow from a state, in the order of the table."""
        return tuple(event.value for (source, event) in self.arrows if source == state)

    def finals(self) -> frozenset[S]:
        """Return the states that nothing leaves."""
        return frozenset(type(self.initial)) - {source for source, _ in self.arrows}

    def unreachable(self) -> frozenset[S]:
        """Return the states that no path from the initial one reaches; a sound table has none."""
        reached = {self.initial}
        frontier = [self.initial]
        while frontier:
            state = frontier.pop()
            targets = {after for (source, _), after in self.arrows.items() if source == state}
            frontier.extend(targets - reached)
            reached |= targets
        return frozenset(type(self.initial)) - reached
