"""Traces put straight into the read model, so that a test may have thousands of them at any time."""

from collections import defaultdict
from dataclasses import replace

from services.readmodel import file, filling
from services.readmodel.facts import PEOPLE, PRODUCTION, SLOT_MS, Fact, Mark
from services.workspace import Workspace

BASE = Fact(
    trace_id="",
    at=0,
    millis=500,
    state="OK",
    origin="live",
    model_id="m-1",
    prompts=(),
    user="",
    session="",
    question="Where is my parcel?",
    answer="On its way.",
    tokens_in=7,
    tokens_out=3,
    tokens=10,
    cost=None,
    settled=True,
    marks=(),
)


def asked(at: int, many: int, **values: object) -> list[Fact]:
    """So many questions within the quarter hour from `at` milliseconds on."""
    name = f"{at:x}{abs(hash(tuple(sorted(values.items(), key=str)))):x}"
    return [replace(BASE, trace_id=f"tr-{name}-{one}", at=at + one, **values) for one in range(many)]  # type: ignore[arg-type]  # fields by name


def verdict(passed: bool, name: str = "short", person: str = "") -> Mark:
    kind = PEOPLE if person else PRODUCTION
    return Mark(name, kind, float(passed), True, False, True, float(passed), person)


def keep(workspace: Workspace, facts: list[Fact], looked: int) -> None:
    """The read model as it is when these traces, and no others since, were read up to `looked` milliseconds."""
    by_slot = defaultdict(list)
    for fact in facts:
        by_slot[fact.at // SLOT_MS].append(fact)
    with file.writing(workspace) as connection:
        assert connection is not None
        with file.transaction(connection):
            filling.keep(connection, by_slot, dict.fromkeys(by_slot, "known"))
            file.remember(connection, "looked", looked)
            file.remember(connection, "complete", 1)
