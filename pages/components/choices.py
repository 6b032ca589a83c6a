"""What is offered to choose from, in words that differ: Streamlit knows a choice by its words alone."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

LAST = 6
Key = TypeVar("Key")


def apart(told: Mapping[Key, str]) -> dict[Key, str]:
    """The words of each choice, in the order given; those that others have too also say the end of their id."""
    times = Counter(told.values())
    return {id: words if times[words] == 1 else f"{words} ({str(id)[-LAST:]})" for id, words in told.items()}
