"""Between the contract's messages and the domain: total, pure, one module a resource."""
