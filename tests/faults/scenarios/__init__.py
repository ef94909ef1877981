"""Everything that may go wrong, at full size: `python -m tests.faults.scenarios`."""
