"""What the operator can act on: a message and a next step."""

from services.messages import Message


class ConsoleError(Exception):
    """Something the operator should read: what happened, and what to do next."""

    def __init__(self, message: Message, remedy: Message | None = None) -> None:
        super().__init__(message.id)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.message, self.remedy) if part)


class InvalidInputError(ConsoleError):
    """What was typed cannot be used."""


class NotFoundError(ConsoleError):
    """It does not exist, or not in this app."""


class ConflictError(ConsoleError):
    """Someone else changed it first."""


class ForbiddenError(ConsoleError):
    """This person's roles do not allow it."""


class SignInError(ForbiddenError):
    """Nobody is signed in, no longer, or not for this console; `again`: signing in may help."""

    def __init__(self, message: Message, remedy: Message | None = None, *, again: bool = False) -> None:
        super().__init__(message, remedy)
        self.again = again


class NotReadyError(ConsoleError):
    """Something that must come first has not happened yet."""


class BlockedError(ConsoleError):
    """An interlock holds."""


class PlatformError(ConsoleError):
    """MLflow, the model or the serving platform failed; `retryable` says whether trying again can help."""

    def __init__(self, message: Message, remedy: Message | None = None, *, retryable: bool = False) -> None:
        super().__init__(message, remedy)
        self.retryable = retryable
