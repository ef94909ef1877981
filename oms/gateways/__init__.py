"""One outside system a module, each behind a port of the use cases."""
