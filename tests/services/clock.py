"""A clock that stands still until a test moves it."""


class FakeClock:
    """UTC epoch milliseconds, from 2027-01-15 on."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance_ms(self, milliseconds: int) -> None:
        self._now_ms += milliseconds
