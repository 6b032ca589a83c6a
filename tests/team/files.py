"""Containerfile and compose.yaml as programs read them."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
VARIABLE = re.compile(r"\$\{(\w+)(?::(?:-([^}]*)|\?[^}]*))?\}")


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return read


def environment(service: str, known: dict[str, str]) -> dict[str, str]:
    """The variables of a service; what .env would hold is `known`, else what the file says itself."""
    held = compose()["services"][service]["environment"]
    return {
        name: VARIABLE.sub(lambda one: known.get(one[1]) or one[2] or "", str(value)) for name, value in held.items()
    }


def instructions(word: str) -> list[str]:
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.removeprefix(f"{word} ") for line in text.splitlines() if line.startswith(f"{word} ")]


def copied() -> dict[str, str]:
    """What of this folder is in the image: the place in /app by the place here."""
    found: dict[str, str] = {}
    for line in instructions("COPY"):
        *sources, target = line.split()
        if target.startswith("./"):
            found |= {one: f"{target}{one}" if target == "./" else target for one in sources}
    return found
