"""Takes the steps of `fbali.steps` on an event loop; files are read and written in a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from fbali.errors import FbaliError
from fbali.steps import Ask, Move, Progress, Receive, Step, Steps, Tell, Wait

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]


async def run(steps: Steps[T], stub: object, sleep: Sleep, progress: Progress) -> T:
    """Take every step, calling the methods of a stub; gives what the work comes to."""
    move: Move = partial(next, steps)
    try:
        while True:
            step, result = await _in_thread(_moved, move)
            if step is None:
                found: T = result
                return found
            try:
                move = partial(steps.send, await _take(step, stub, sleep, progress))
            except FbaliError as error:
                move = partial(steps.throw, error)
    finally:
        await _in_thread(steps.close)


async def _take(step: Step, stub: object, sleep: Sleep, progress: Progress) -> object:
    match step:
        case Ask():
            return await getattr(stub, step.method)(step.request, timeout=step.timeout)
        case Receive():
            answers = getattr(stub, step.method)(step.request, timeout=step.timeout)
            async for answer in answers:
                progress(*await _in_thread(step.take, answer))
        case Tell():
            progress(step.done, step.of)
        case Wait():
            await sleep(step.seconds)
    return None


def _moved(move: Move) -> tuple[Step | None, Any]:
    """Go to the next step, or to the result: a future cannot hold a StopIteration."""
    try:
        return move(), None
    except StopIteration as end:
        return None, end.value


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a thread, and not leave before it is done: it holds the generator."""
    running = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
