"""One module per intent; each use case owns its transaction."""
