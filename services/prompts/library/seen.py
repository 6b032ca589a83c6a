"""A prompt as one look at the registry shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from services.prompts import PromptVersion


@dataclass(frozen=True)
class Seen:
    """Enough for a list, without the older versions; `read` makes the newest one of what the registry said."""

    name: str
    archived: bool
    trashed: bool
    live: int | None
    fingerprint: str
    read: Callable[[], Sequence[PromptVersion]] = field(repr=False, compare=False)

    @cached_property
    def newest(self) -> Sequence[PromptVersion]:
        """The newest version, if there is one; only made for what changed, as most did not."""
        return self.read()
