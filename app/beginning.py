"""A database that is away when a process begins is waited for, as one that goes away later."""

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from oms.domain.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
WAIT_SECONDS_MAX: Final = 60.0  # Then the process ends; a supervisor starts it anew.
_PAUSE_SECONDS: Final = 0.5


def once_there(work: Callable[[], T]) -> T:
    """Return what work returns, as soon as the database answers.

    Raises:
        Unavailable: it did not answer for a minute; an address that is wrong shows so too.
    """
    until = time.monotonic() + WAIT_SECONDS_MAX
    told = ""
    while True:
        try:
            return work()
        except Unavailable as error:
            if time.monotonic() >= until:
                raise
            if error.message != told:
                log.warning("waiting for the database: %s", error)
                told = error.message
            time.sleep(_PAUSE_SECONDS)
