"""Who calls: the operator, one merchant or one vendor."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a token may do."""

    OPERATOR = "OPERATOR"
    MERCHANT = "MERCHANT"
    VENDOR = "VENDOR"


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a token. `id` is the merchant's or vendor's id, empty for the operator."""

    role: Role
    id: str
    token_id: str

    @property
    def actor(self) -> str:
        """Name the principal in history and in the request table."""
        return f"{self.role.value.lower()}s/{self.id}" if self.id else "operator"


SYSTEM = "system"  # The actor of what the jobs decide by themselves.
