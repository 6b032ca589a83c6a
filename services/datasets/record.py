"""One record of a dataset, as MLflow's own store would give it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """`source_id` is the trace that it was taken from, if it was."""

    dataset_record_id: str
    inputs: dict[str, Any]
    expectations: dict[str, Any]
    tags: dict[str, Any]
    source_type: str
    source_id: str
