"""The validation rules that the contract is annotated with."""
