"""One call of the API and the echo of its answer, in turn, from one client."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import grpc
from google.protobuf.message import Message

from benchmarks.echo import GIVE, KEEP
from benchmarks.report import Spread, Times, ratio

HEAD = ("call", "p50 ms", "p99 ms", "echo p50 ms", "echo p99 ms", "p50 / echo", "KB", "rows")
_WARM_UP_CALLS = 10

Method = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Effort:
    """How often calls are repeated."""

    runs: int
    calls: int


@dataclass(frozen=True, slots=True)
class Result:
    """The times of one call over several runs, and those of the echo of its answer."""

    ours: Spread
    ours_p99: float
    echo: Spread
    echo_p99: float
    answer_bytes: int
    rows: int

    def cells(self, name: str) -> list[str]:
        """Write a row below HEAD."""
        return [
            name,
            str(self.ours),
            f"{self.ours_p99:.1f}",
            str(self.echo),
            f"{self.echo_p99:.1f}",
            ratio(self.ours, self.echo),
            f"{self.answer_bytes / 1024:.1f}",
            str(self.rows),
        ]


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of two servers: ours with a token, and the echo."""

    api: grpc.Channel
    echo: grpc.Channel
    secret: str

    def measure(self, method: str, request: Message, answer: type[Any], effort: Effort) -> Result:
        """Call `service/Method` and its echo in turn, so that noise hits both alike."""
        metadata = (("authorization", f"Bearer {self.secret}"),)
        encoded = request.SerializeToString()
        call: Method = self.api.unary_unary(
            f"/fbali.v1.{method}", response_deserializer=answer.FromString
        )
        give: Method = self.echo.unary_unary(GIVE, response_deserializer=answer.FromString)
        first = call(encoded, metadata=metadata)
        body = first.SerializeToString()
        self.echo.unary_unary(KEEP)(body)

        def ours() -> None:
            call(encoded, metadata=metadata)

        def echoed() -> None:
            give(encoded, metadata=metadata)

        runs = [_run(ours, echoed, effort.calls) for _ in range(effort.runs)]
        return Result(
            ours=Spread.of([run[0].p50 for run in runs]),
            ours_p99=median(run[0].p99 for run in runs),
            echo=Spread.of([run[1].p50 for run in runs]),
            echo_p99=median(run[1].p99 for run in runs),
            answer_bytes=len(body),
            rows=_rows(first),
        )


def _run(ours: Callable[[], None], echoed: Callable[[], None], calls: int) -> tuple[Times, Times]:
    for _ in range(_WARM_UP_CALLS):
        ours()
        echoed()
    taken: Mapping[Callable[[], None], list[float]] = {ours: [], echoed: []}
    for _ in range(calls):
        for call, times in taken.items():
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
    return Times.of(taken[ours]), Times.of(taken[echoed])


def _rows(answer: Any) -> int:
    lists = [value for field, value in answer.ListFields() if field.is_repeated]
    return len(lists[0]) if lists else 1
