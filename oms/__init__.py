"""The order management itself: domain, storage, use cases and gateways."""
