"""Errors an operator can act on: a message and a next step."""

from services.errors.console import (
    BlockedError,
    ConflictError,
    ConsoleError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    NotReadyError,
    PlatformError,
    SignInError,
)
from services.errors.translation import existing, is_missing, translated

__all__ = [
    "BlockedError",
    "ConflictError",
    "ConsoleError",
    "ForbiddenError",
    "InvalidInputError",
    "NotFoundError",
    "NotReadyError",
    "PlatformError",
    "SignInError",
    "existing",
    "is_missing",
    "translated",
]
