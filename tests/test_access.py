"""Functions that write, or show what not everyone may see, called with every role that may not: they refuse first."""

import ast
import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from services import audit, datasets, prompts, scorers
from services.alerts import recipients, rules
from services.alerts.rules import Rule, Series, Way
from services.apps import AppForm, Gate, environments
from services.audit import ROLE_OF, Verb
from services.connection import Place
from services.datasets import Row
from services.errors import ForbiddenError
from services.people import Actor, Role
from services.production import ModelAlias
from services.prompts import comments
from services.releases import canary
from services.releases.approving import ApprovalRule
from services.scorers import ScorerSpec, health
from services.workspace import Workspace

ROOT = Path(__file__).parent.parent
GUARDS = ("audit.require", "audit.change", "require", "change")
WRITERS = ("writing", "database.writing", "save_setting", "apps.save_setting")
ERRORS = Rule("", "Too many errors", Series.ERRORS, Way.ABOVE, limit=0.1)
OTHER = AppForm(id="other", name="Other", company="Acme", model="practice", endpoint="other")
Given = Callable[[Workspace], tuple[Any, ...]]

# What a function checks of its arguments before anything else has to be right; the others are given anything.
GIVEN: dict[str, Given] = {
    "alerts.recipients.save": lambda w: (recipients.channels(w),),
    "alerts.rules.save": lambda w: (ERRORS,),
    "alerts.rules.remove": lambda w: (rules.all(w)[0].id,),
    "apps.create": lambda w: (OTHER,),
    "apps.save": lambda w: (replace(OTHER, id=w.app.id),),
    "apps.save_gate": lambda w: (Gate({}, rows=1),),
    "apps.environments.save_environment": lambda w: (next(iter(environments.of(w).values())),),
    "archive.acting.put_back": lambda w: (date(2026, 1, 1), date(2026, 1, 2)),
    "archive.change_ages": lambda w: (30, None),
    "connection.save_place": lambda w: (Place(),),
    "datasets.add_rows": lambda w: (datasets.all(w)[0].id, [Row("q2", "Where?")]),
    "datasets.saving.resume": lambda w: (datasets.all(w)[0].id,),
    "datasets.saving.create": lambda w: ("more", [Row("q2", "Where?")]),
    "evaluations.preferences.prefer": lambda w: ("a", "b", "row", None),
    "production.move_alias": lambda w: ("greeting", None, 1, "why"),
    "production.restore_alias": lambda w: ("greeting", None, 1, "why"),
    "production.move_model_alias": lambda w: (ModelAlias("support", "champion"), None, 1, "why"),
    "production.move_traffic": lambda w: ({}, {1: 100}, "why"),
    "production.pin": lambda w: ("greeting", 1, "why"),
    "prompts.comments.remove": lambda w: (comments.all(w, "greeting")[0].id,),
    "prompts.comments.write": lambda w: ("greeting", 1, "Nice."),
    "prompts.saving.label": lambda w: ("greeting", 1, {"tone": "warm"}),
    "prompts.saving.save": lambda w: ("greeting", "Hello {{name}}", "warmer"),
    "releases.approving.save_rule": lambda w: (ApprovalRule(),),
    "releases.canary.save_plan": lambda w: (canary.plan(w),),
    "releases.telling.save_address": lambda w: ("",),
    "scorers.health.save_line": lambda w: (health.line(w),),
    "scorers.records.remove": lambda w: (scorers.all(w)[0].name,),
    "views.save": lambda w: ("traces", "mine", {}),
}
# They reach their guard, which is `audit.change` like everyone's, only with a release, an endpoint, a workspace, a job,
# an archive or an experiment that is there already: not tried here.
NOT_TRIED = {
    "apps.adopt",
    "archive.keeping.drop",
    "archive.keeping.relieve",
    "jobs.cancel",
    "platforms.databricks.archiving.name_table",
    "platforms.databricks.archiving.start",
    "platforms.databricks.archiving.stop",
    "platforms.databricks.labeling.taking.take",
    "platforms.databricks.schedule.delete",
    "platforms.databricks.schedule.save_minutes",
    "platforms.databricks.warehouse.start",
    "production.copy_questions",
    "production.retire",
    "releases.deciding.check_again",
    "reviews.desk.take_back",
}
# Writers without a guard of their own, by function or module, and why anybody may reach them.
UNGUARDED = {
    "alerts.records": "what the console itself saw and told; the person's acts on an alert are guarded",
    "apps.records.save_setting": "the store of every setting: called inside `audit.change`",
    "archive.plan.change": "called inside `audit.change`, as it says",
    "audit.change": "the guard",
    "datasets.versions.notice": "what the console itself saw, whoever looks",
    "jobs.submit": "the queue: whoever asks for work passes a guard, and what the job writes its own",
    "people.remember": "how the console looks to this person alone",
    "people.seen.note": "that this person is here",
    "monitoring.judge": "what the console itself saw",
    "prompts.drafts.records.writing_own": "the transaction of the guarded functions beside it",
    "prompts.library.stored": "an index that is made again from MLflow",
    "prompts.moves": "what the console itself saw, whoever looks",
    "rehearsal.records": "called inside `audit.change`, and by the rehearsal's own jobs",
    "releases.catches": "what the console itself saw",
    "releases.noticing": "what the console itself saw",
    "releases.records": "the rows of releases: called by what is guarded, and by release jobs",
    "reviews.desk.settle": "takes up again what a process that died left half done",
    "scorers.records.keep": "guarded by the verb that it is given: own code needs another role",
}


class Source:
    """One module of services: what its public functions call, also by way of its private ones."""

    def __init__(self, file: Path) -> None:
        self.name = ".".join(file.relative_to(ROOT / "services").with_suffix("").parts).removesuffix(".__init__")
        body = ast.parse(file.read_text("utf-8")).body
        self.functions = {one.name: one for one in body if isinstance(one, ast.FunctionDef)}

    def public(self) -> Iterator[tuple[str, list[str], int]]:
        """Name, the functions of this module that it runs, itself first, and how many arguments it needs.

        Not those that a job runs (`work`): whoever submitted it passed a guard, and what they write passes its own.
        """
        for name, node in self.functions.items():
            names = [one.arg for one in node.args.args]
            if not name.startswith("_") and names[:1] == ["workspace"] and "work" not in names:
                yield name, self.reached(name, []), len(names) - 1 - len(node.args.defaults)

    def reached(self, name: str, before: list[str]) -> list[str]:
        before.append(name)
        for called in self.calls(name):
            if called.startswith("_") and called in self.functions and called not in before:
                self.reached(called, before)
        return before

    def calls(self, name: str) -> list[str]:
        return [ast.unparse(one.func) for one in ast.walk(self.functions[name]) if isinstance(one, ast.Call)]

    def verbs(self, name: str) -> list[Verb]:
        named = [one for one in ast.walk(self.functions[name]) if isinstance(one, ast.Attribute)]
        return [Verb[one.attr] for one in named if ast.unparse(one.value) == "Verb"]


SOURCES = [Source(file) for file in sorted((ROOT / "services").rglob("*.py"))]


def guarded() -> Iterator[tuple[str, str, Verb, int]]:
    """Public functions that reach a guard: module, name, the verb that is named first, how many arguments they need."""
    for source in SOURCES:
        for name, reached, needed in source.public():
            if any(set(GUARDS) & set(source.calls(one)) for one in reached):
                verbs = [verb for one in reached for verb in source.verbs(one)]
                if verbs:
                    yield source.name, name, verbs[0], needed


FOUND = [one for one in guarded() if ROLE_OF[one[2]] is not Role.VIEWER and f"{one[0]}.{one[1]}" not in NOT_TRIED]


def test_whoever_writes_is_guarded_or_listed_with_a_reason():
    known = {f"{module}.{name}": module for module, name, *_ in guarded()}
    writers = {
        f"{source.name}.{name}": source.name
        for source in SOURCES
        for name, reached, _ in source.public()
        if any(set(WRITERS) & set(source.calls(one)) for one in reached)
    }
    free = {name: module for name, module in writers.items() if name not in known}
    assert {name for name, module in free.items() if not {name, module} & set(UNGUARDED)} == set()
    assert set(UNGUARDED) - set(free) - set(free.values()) == set(), "listed, but guarded or gone"
    assert NOT_TRIED - set(known) == set()
    assert set(GIVEN) - set(known) == set()


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """Ada's app with a prompt, a comment, an alert rule, a scorer and a dataset."""
    prompts.save(workspace, "greeting", "Hello {{name}}", "first")
    comments.write(workspace, "greeting", 1, "Nice.")
    rules.save(workspace, ERRORS)
    scorers.save(workspace, ScorerSpec("polite", "polite"))
    datasets.create(workspace, "questions", [Row("q1", "Where is my parcel?")])
    return workspace


def test_every_guarded_function_refuses_every_role_that_may_not(place):
    """One test for all: each pair takes a millisecond, a store of its own a second."""
    before, let_through = len(audit.events(place)), []
    for module, name, verb, needed in FOUND:
        given = GIVEN.get(f"{module}.{name}")
        arguments = given(place) if given else tuple(MagicMock() for _ in range(needed))
        for role in set(Role) - {ROLE_OF[verb], Role.ADMIN}:
            person = replace(place, actor=Actor("ada", frozenset({role, Role.VIEWER})))
            try:
                made = getattr(importlib.import_module(f"services.{module}"), name)(person, *arguments)
                if isinstance(made, Iterator):
                    next(made)
            except ForbiddenError as refused:
                assert f"“{ROLE_OF[verb]}”" in str(refused), f"{module}.{name}"
            else:
                let_through.append(f"{module}.{name} as {role}")
    assert let_through == []
    assert len(audit.events(place)) == before
    assert len(FOUND) > 100
