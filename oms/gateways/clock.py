"""The system's clock; the one place that asks for the time of day."""

import time


class SystemClock:
    """UTC epoch milliseconds."""

    def now_ms(self) -> int:
        """Return the present instant."""
        return time.time_ns() // 1_000_000
