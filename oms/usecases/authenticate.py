"""Who a bearer secret belongs to."""

from oms.domain.errors import Unauthenticated
from oms.domain.principals import Principal
from oms.storage import accounts
from oms.usecases.context import Oms

_SECRET_LENGTH_MAX = 255


def authenticate(oms: Oms, secret: str) -> Principal:
    """Return the owner of a secret.

    Raises:
        Unauthenticated: the secret is unknown, expired or revoked.
    """
    token = None if len(secret) > _SECRET_LENGTH_MAX else accounts.token_of_secret(oms.db, secret)
    if token is None or token.revoked_at is not None:
        message = "the token is unknown or was revoked: ask the operator for a new one"
        raise Unauthenticated(message)
    if token.expire_at is not None and token.expire_at <= oms.clock.now_ms():
        message = "the token has expired: ask the operator for a new one"
        raise Unauthenticated(message)
    return Principal(token.role, token.principal_id, token.id)
