"""Every scorer that can be chosen: our rules, MLflow's own scorers, other suites, own words and own code."""

import functools

from services.scorers.catalogue.bridged import DEEPEVAL, RAGAS
from services.scorers.catalogue.judged import CONVERSATION, DOCUMENTS, EXPECTED, QUALITY, TOOLS
from services.scorers.catalogue.own import OWN
from services.scorers.catalogue.plain import LANGUAGES as LANGUAGES
from services.scorers.catalogue.plain import PII as PII
from services.scorers.catalogue.plain import RULES, SAFETY
from services.scorers.catalogue.plain import UNITS as UNITS
from services.scorers.entries import NAMED, Entry
from services.scorers.records import ScorerSpec

# The order in which they are offered.
ALL: tuple[Entry, ...] = (
    *RULES, *QUALITY, *SAFETY, *EXPECTED, *DOCUMENTS, *TOOLS, *CONVERSATION, *OWN, *DEEPEVAL, *RAGAS,
)  # fmt: skip


def of(spec: ScorerSpec) -> Entry:
    """The entry that a scorer was made from."""
    return _by_id()[str(spec.settings["scorer"]) if spec.kind in NAMED else spec.kind]


def entry(id: str) -> Entry | None:
    return _by_id().get(id)


@functools.cache
def _by_id() -> dict[str, Entry]:
    return {one.id: one for one in ALL}
