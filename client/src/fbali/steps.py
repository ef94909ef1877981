"""Work that takes several calls, written once for the blocking client and for the one on asyncio.

Such work is a generator of steps. It does not call the server itself: it yields what it wants, and
whoever runs it sends back the answer, or throws in the refusal.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from fbali.errors import FbaliError

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Ask:
    """Make a unary call; the step's result is the answer."""

    method: str
    request: Message
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Receive:
    """Read a stream of answers to its end; `take` gets each and tells how far it is."""

    method: str
    request: Message
    timeout: float
    take: Callable[[Any], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Tell:
    """Say how far it is: so many of so many."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so long."""

    seconds: float


Step = Ask | Receive | Tell | Wait
Steps = Generator[Step, Any, T]
Move = Callable[[], Step]


def run(steps: Steps[T], stub: object, sleep: Callable[[float], None], progress: Progress) -> T:
    """Take every step, calling the methods of a stub; gives what the work comes to."""
    move: Move = partial(next, steps)
    try:
        while True:
            step = move()
            try:
                move = partial(steps.send, _take(step, stub, sleep, progress))
            except FbaliError as error:
                move = partial(steps.throw, error)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def _take(step: Step, stub: object, sleep: Callable[[float], None], progress: Progress) -> object:
    match step:
        case Ask():
            return getattr(stub, step.method)(step.request, timeout=step.timeout)
        case Receive():
            for answer in getattr(stub, step.method)(step.request, timeout=step.timeout):
                progress(*step.take(answer))
        case Tell():
            progress(step.done, step.of)
        case Wait():
            sleep(step.seconds)
    return None
