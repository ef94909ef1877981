"""The servicers: one module a service, each method a line or two around a use case."""
