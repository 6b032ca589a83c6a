"""The documents that an answer rests on, as its agent tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MOST, LONGEST_TEXT, LONGEST_ADDRESS = 20, 200, 2_000


@dataclass(frozen=True)
class Source:
    """One document; whatever an agent writes there is only ever text, `link` alone may be opened."""

    title: str
    doc_uri: str = ""
    key: str = ""

    @property
    def link(self) -> str | None:
        """The address when it is one of the web; None for every other kind, such as a file or a script."""
        address = self.doc_uri
        if len(address) > LONGEST_ADDRESS or not address.isprintable() or set(address) & set(' <>"\\'):
            return None
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        return address if parts.scheme in ("http", "https") and parts.hostname else None


def read(facts: Mapping[str, Any] | None) -> tuple[Source, ...]:
    """The sources in an answer's `custom_outputs`, each once; what has another shape is left out."""
    listed = facts.get("sources") if isinstance(facts, Mapping) else None
    told = [_source(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(one for one in told if one.title))[:MOST]


def _source(told: Mapping[str, Any]) -> Source:
    address, key = (str(told.get(name) or "") for name in ("doc_uri", "key"))
    title = str(told.get("title") or address or key)
    return Source(" ".join(title.split())[:LONGEST_TEXT], address, key[:LONGEST_TEXT])
