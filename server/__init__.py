"""The gRPC server: thin servicers, conversion, interceptors and the error table."""
