"""PostgreSQL and Redis for tests, started on demand and stopped with the test run."""
