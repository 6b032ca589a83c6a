"""The practice model's own manners, kept in phrases.toml."""

import functools
import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "phrases.toml"


class Phrases:
    """The phrases of one language."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self.filler = tuple(stored.pop("filler"))
        self._stored: dict[str, str] = stored

    def __getitem__(self, name: str) -> str:
        return self._stored[name]

    def fill(self, name: str, **values: str) -> str:
        return self._stored[name].format(**values)

    def short(self, text: str) -> str:
        """The shorter way to say one of these phrases; any other text stays."""
        known = {self._stored[name]: self._stored[f"{name}_short"] for name in ("apology", "offer")}
        return known.get(text, text)


@functools.cache
def phrases(language: str) -> Phrases:
    with FILE.open("rb") as file:
        return Phrases(tomllib.load(file)[language])
