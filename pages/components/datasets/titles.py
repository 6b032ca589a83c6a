"""How lists name a dataset."""

from collections.abc import Iterable

from pages.components import choices, session
from services.datasets import Dataset

_ = session.text


def labels(found: Iterable[Dataset]) -> dict[str, str]:
    """The datasets by id as a list to choose from shows them, in the order given; names are not unique in MLflow."""
    return choices.apart({one.id: _("{name}: {n} {n:question|questions}", name=one.name, n=one.rows) for one in found})
