"""YAML of other people: plain data without references, and not nested deeper than its reader in C survives."""

from typing import Any

import yaml

from services.jsons import DEEPEST

# The one in C reads a megabyte in a second, where the other takes half a minute, or hours for brackets never closed.
FASTEST: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class References(ValueError):
    """A part stands for another one, by which a short file could unfold into gigabytes."""


def parsed(text: str | bytes, loader: Any = FASTEST) -> Any:
    """The value; raises yaml.YAMLError or ValueError, and whatever YAML's readers of dates and numbers do."""
    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.AliasEvent):
            raise References("references are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
    return yaml.load(text, loader)
