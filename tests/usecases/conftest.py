"""Fixtures of the tests of use cases."""

import pytest

from tests.services.recycled import database, postgres_template, sqlite_template
from tests.services.scene import Scene

__all__ = ["database", "postgres_template", "sqlite_template"]


@pytest.fixture
def scene(database):
    """A merchant with a store of mugs and plates, on both databases."""
    return Scene(database)
