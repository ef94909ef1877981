"""A pretend shop with invented goods and customers, for the demo, tests and benchmarks."""
