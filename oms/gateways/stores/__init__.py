"""Web stores that orders are pulled from and fulfilments are written back to."""
