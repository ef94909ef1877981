"""Request ids: one for each thing that a pretend person means to do."""

from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("6a1f9a52-6f0c-4d52-8d2e-6c3f8f6f5c11")


def request_id(*words: str) -> str:
    """Name an intent, the same for the same words, so that a second try does nothing twice."""
    return str(uuid5(_NAMESPACE, "/".join(words)))
