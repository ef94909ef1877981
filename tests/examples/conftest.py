"""Fixtures of the tests of the example programs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.examples.programs import Program, build
from tests.services.session import MissingServiceError, skip_or_fail

Run = Callable[..., Program]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts the example of a language, built if need be, under a name; ends it with the test."""
    running: list[Program] = []

    def start(language: str, name: str, **settings: str) -> Program:
        try:
            build(language)
        except MissingServiceError as missing:
            skip_or_fail(missing)
        running.append(Program(language, tmp_path / name, **settings))
        return running[-1]

    yield start
    for program in running:
        program.kill()
        print(program.folder.name, program.log(), sep=":\n")  # Shown if the test failed.
