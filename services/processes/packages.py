"""Where packages come from, which only installing may see."""

from collections.abc import Mapping

PREFIXES = ("UV_", "PIP_")
INDEX: dict[str, str] = {}


def remember(environ: Mapping[str, str]) -> None:
    """Before a job that installs forgets the environment; in no other, where an agent's code could read it."""
    INDEX.update({name: value for name, value in environ.items() if name.startswith(PREFIXES)})
