"""A prompt as one look at the registry shows it."""

from dataclasses import dataclass, field

from services.prompts import PromptVersion


@dataclass(frozen=True)
class Seen:
    """Enough for a list, without the older versions; `newest` holds the newest version, if there is one."""

    name: str
    archived: bool
    trashed: bool
    live: int | None
    fingerprint: str
    newest: tuple[PromptVersion, ...] = field(repr=False)
