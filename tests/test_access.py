"""Functions that write, or show what not everyone may see, called with every role that may not: they refuse first."""

import ast
import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
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
    "archive.change_ages": lambda w: (30, None),
    "connection.save_place": lambda w: (Place(),),
    "datasets.add_rows": lambda w: (datasets.all(w)[0].id, [Row("q2", "Where?")]),
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
# They reach their guard, which is `audit.change` like everyone's, only with a release, an endpoint, a workspace or an
# experiment that is there already: not tried here.
NOT_TRIED = {
    "apps.adopt",
    "archive.keeping.drop",
    "platforms.databricks.archiving.name_table",
    "platforms.databricks.archiving.start",
    "platforms.databricks.archiving.stop",
    "production.retire",
    "releases.deciding.check_again",
    "reviews.desk.take_back",
}


def guarded() -> Iterator[tuple[str, str, Verb, int]]:
    """Public functions with a guard in their own text: module, name, verb, how many arguments they need.

    Not those that a job runs (`work`): whoever submitted it passed a guard, and what they write passes its own.
    """
    for file in sorted((ROOT / "services").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT / "services").with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(file.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            names = [one.arg for one in node.args.args]
            if names[:1] != ["workspace"] or "work" in names:
                continue
            calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and ast.unparse(one.func) in GUARDS]
            verbs = [one.args[1].attr for one in calls if isinstance(one.args[1], ast.Attribute)]
            if verbs:
                yield module, node.name, Verb[verbs[0]], len(names) - 1 - len(node.args.defaults)


FOUND = [one for one in guarded() if ROLE_OF[one[2]] is not Role.VIEWER and f"{one[0]}.{one[1]}" not in NOT_TRIED]


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
    assert len(FOUND) > 90
