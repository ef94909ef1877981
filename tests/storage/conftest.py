"""Fixtures of the tests of storage."""

from tests.services.recycled import database, postgres_template, sqlite_template

__all__ = ["database", "postgres_template", "sqlite_template"]
