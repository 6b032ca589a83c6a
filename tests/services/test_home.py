"""Home: what comes next, and the sample app on an empty data folder."""

import os
from dataclasses import asdict, replace

import pytest

from services import alerts, apps, audit, database, datasets, home, prompts, reviews, scorers
from services.alerts import Rule, Series, Way
from services.home import next_step
from services.home.next_step import Facts
from services.messages import Message
from services.people import ALL_ROLES, CONSOLE, Actor, Role
from services.processes import heart
from services.releases import Kind, Live, Pair, approving, records
from services.releases.approving import ApprovalRule, Who
from services.reviews.records import Form, Label, Pick
from services.reviews.records import Kind as LabelKind
from services.reviews.records import Rule as Choice
from services.workspace import Workspace
from tests.left_traces import leave

NOTHING, LIVE = Pair(None, None, None), Pair("m-1", 1, 1)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the console catches it."""


def killed(*arguments, **named):
    raise Killed


def killed_at(count, function):
    """`function`, which the process does not survive the `count`-th time."""
    calls = []

    def call(*arguments, **named):
        calls.append(arguments)
        return killed() if len(calls) == count else function(*arguments, **named)

    return call


def test_an_empty_folder_gets_the_sample_app_once(settings):
    platform = home.prepare(settings)
    home.prepare(settings)
    place = Workspace(platform, CONSOLE)
    (app,) = apps.all(place)
    place = place.for_app(app)
    rows = datasets.rows(place, app.dataset_id)
    assert len([row for row in rows if row.language == "ja"]) >= 40
    assert len([row for row in rows if row.language == "en"]) >= 40
    assert {spec.name for spec in scorers.all(place)} == set(app.gate.minimum)
    assert prompts.names(place) == []


@pytest.mark.parametrize(
    ("module", "name", "count"),
    [
        (apps, "_insert", 1),
        (scorers, "save", 1),
        (scorers, "save", 3),
        (datasets, "create", 1),
        (datasets.stored, "records", 1),
        (apps, "choose_dataset", 1),
    ],
)
def test_a_first_start_that_was_cut_off_is_made_good(settings, module, name, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, killed_at(count, getattr(module, name)))
        with pytest.raises(Killed):
            home.prepare(settings)
    place = Workspace(home.prepare(settings), CONSOLE)
    (app,) = apps.all(place)
    place = place.for_app(app)
    assert [one.id for one in datasets.all(place)] == [app.dataset_id]
    assert len(datasets.rows(place, app.dataset_id)) >= 80
    assert {spec.name for spec in scorers.all(place)} == set(app.gate.minimum)
    assert {spec.version for spec in scorers.all(place)} == {1}
    assert audit.broken_at(place.engine) is None


def test_the_stages_follow_the_work(workspace):
    assert home.summary(workspace).next.page == "prompts"
    prompts.save(workspace, "greeting", "Hello", "")
    assert home.summary(workspace).next.page == "agents"
    assert home.summary(workspace).live.pair.model_id is None


def someone(workspace, role):
    roles = ALL_ROLES if role is Role.ADMIN else frozenset({Role.VIEWER, role})
    return replace(workspace, actor=Actor(f"the-{role}", roles))


def next_pages(workspace):
    """Where the next step of each role leads on the first screen."""
    return {role: home.summary(someone(workspace, role)).next.page for role in Role}


def after_going_live(workspace, role, **changed):
    """The next step once something is live; nothing else is looked up than what the first screen has read."""
    live = replace(Live(LIVE, "greeting", None, False), **changed)
    return next_step.of(someone(workspace, role), Facts(live, (), (), (), ()))


def proposed(workspace):
    moves = {"prompt": "greeting", "before": asdict(NOTHING), "after": asdict(LIVE)}
    return records.get(workspace, records.add(workspace, Kind.PROMPT, moves, ""))


def test_only_authors_are_told_to_write(workspace):
    assert next_pages(workspace) == {
        Role.VIEWER: "monitoring",
        Role.REVIEWER: "monitoring",
        Role.AUTHOR: "prompts",
        Role.APPROVER: "monitoring",
        Role.ADMIN: "prompts",
    }
    assert "for authors" in str(home.summary(someone(workspace, Role.VIEWER)).next.why)


def test_reviewers_are_led_to_their_answers(workspace):
    leave(workspace)
    label = Label("right", LabelKind.PASS, "Is it right?")
    queue = reviews.make(workspace, Form("Fresh", Choice(Pick.RANDOM, share=1.0), (label,)))
    found = home.summary(someone(workspace, Role.REVIEWER)).next
    assert (str(found.what), found.page, found.query) == ("1 answer waits for you", "reviews", {"queue": str(queue.id)})
    assert str(found.why) == "Read it and say whether it is right: Fresh"
    assert next_pages(workspace)[Role.APPROVER] == "monitoring"


def test_approvers_decide_while_the_author_waits(workspace):
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    author = someone(workspace, Role.AUTHOR)
    release = proposed(author)
    found = home.summary(someone(workspace, Role.APPROVER)).next
    assert (found.page, found.query, str(found.why)) == (
        "releases",
        {"release": str(release.id)},
        "It waits for your approval.",
    )
    stage = home.Stage(
        Message("Release"), "releases", False, Message("Nothing is live yet."), audit.Verb.PROPOSE_RELEASE
    )
    facts = Facts(Live(NOTHING, None, None, False), (stage,), (release,), (), ())
    assert "in other hands" in str(next_step.of(author, facts).why)
    assert next_step.of(author, replace(facts, releases=())).page == "releases"


def test_what_was_moved_outside_is_for_approvers(workspace):
    release = proposed(someone(workspace, Role.AUTHOR))
    records.set_state(workspace, release.id, records.State.LIVE)
    pages = {role: after_going_live(workspace, role, release=release, moved_outside=True).page for role in Role}
    assert [role for role, page in pages.items() if page == "releases"] == [Role.APPROVER, Role.ADMIN]


def test_everyone_sees_how_production_is(workspace):
    assert after_going_live(workspace, Role.AUTHOR).query == {"view": "write"}
    assert "No rule watches" in str(after_going_live(workspace, Role.VIEWER).why)
    rule = alerts.save(workspace, Rule("", "Too many errors", Series.ERRORS, Way.ABOVE, limit=0.1))
    assert {after_going_live(workspace, role).page for role in Role} == {"monitoring"}
    assert str(after_going_live(workspace, Role.VIEWER).why) == "Rules that find all well: 0 of 1."
    said = Message("It got worse.")
    step = alerts.words.Step(said, "traces", {})
    text = alerts.words.Text(said, database.now(), database.now(), said, None, said, step)
    alerts.records.start(workspace, rule, text)
    assert {after_going_live(workspace, role).page for role in Role} == {"alerts"}
    alerts.acknowledge(someone(workspace, Role.REVIEWER), alerts.firing(workspace)[0].alert.id)
    assert str(after_going_live(workspace, Role.VIEWER).why) == "An alert fires; the-reviewer looks after it."


def test_an_admin_hears_of_a_worker_that_stands_still(workspace):
    heart.beat(workspace.settings)
    assert home.summary(workspace).next.page == "prompts"
    os.utime(workspace.settings.run_folder / "worker.beat", (0, 0))
    assert next_pages(workspace)[Role.ADMIN] == "jobs" and next_pages(workspace)[Role.AUTHOR] == "prompts"
