"""The contract, generated from protos/fbali/v1."""
