"""The trash: what something needs stays, the rest can come back, and nothing live is ever deleted."""

import threading
from dataclasses import replace
from datetime import timedelta

import mlflow
import pytest

from services import apps, audit, jobs, production, prompts
from services.apps import AppForm, Environment, Stage
from services.audit import Verb
from services.database import job as job_table
from services.errors import BlockedError, ConflictError, ConsoleError, ForbiddenError, InvalidInputError, NotFoundError
from services.interlocks import facts
from services.people import ALL_ROLES, Actor, Role
from services.processes.worker import Worker
from services.prompts import Content, bin, blockers, comments, drafts, moves
from services.releases import State
from tests import standing
from tests.services.prompts.conftest import agent, evaluation, release


@pytest.fixture
def written(workspace):
    for text in ("One", "Two", "Three"):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def listed(workspace):
    return [one.version for one in prompts.history(workspace, "greeting")]


def because(workspace, version=2):
    return [str(why) for why in blockers.blockers(workspace, "greeting", version)]


def refused(workspace, version=2):
    """Whatever is asked for is refused, and nothing changed."""
    for write in (bin.trash, bin.erase):
        with pytest.raises((BlockedError, ConflictError)):
            write(workspace, "greeting", version)
    assert prompts.version(workspace, "greeting", 2).template == "Two"


def test_a_version_in_the_trash_is_hidden_and_comes_back(written):
    assert because(written) == []
    bin.trash(written, "greeting", 2)
    assert listed(written) == [3, 1]
    hidden = prompts.version(written, "greeting", 2)
    assert hidden.trashed
    bin.restore(written, "greeting", 2)
    assert listed(written) == [3, 2, 1]
    done = [
        (one.subject, one.before, one.after)
        for one in audit.events(written)
        if one.verb == "trash_prompt" and one.outcome == "done"
    ]
    assert done == [("greeting 2", True, False), ("greeting 2", False, True)]


def test_a_version_is_deleted_for_good_only_from_the_trash(written):
    comments.write(written, "greeting", 2, "Hm.")
    comments.write(written, "greeting", 3, "Fine.")
    with pytest.raises(ConflictError, match="not in the trash"):
        bin.erase(written, "greeting", 2)
    bin.trash(written, "greeting", 2)
    bin.erase(written, "greeting", 2)
    with pytest.raises(NotFoundError):
        prompts.version(written, "greeting", 2)
    assert [one.text for one in comments.all(written, "greeting")] == ["Fine."]
    assert prompts.save(written, "greeting", "Four", "").version == 4


def test_what_is_live_stays(written):
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    assert because(written) == ["Version 2 is live."]
    refused(written)
    assert because(written, None) == ["Version 2 is live."]


def test_what_became_live_in_the_trash_is_shown_and_stays(written):
    bin.trash(written, "greeting", 2)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    assert listed(written) == [3, 2, 1]
    with pytest.raises(BlockedError, match="Version 2 is live"):
        bin.erase(written, "greeting", 2)
    assert production.alias(written, "greeting") == 2


def test_what_an_agent_answers_with_or_was_logged_with_stays(written):
    agent(written, linked=2)
    agent(written, pinned=2)
    assert because(written) == ["Agent versions logged with it: 2. Each of them could be released."]
    refused(written)
    assert because(written, 3) == []


def test_what_a_program_loads_by_an_alias_of_its_own_stays(written):
    written.client.set_prompt_alias("greeting", "beta", 2)
    assert because(written) == [
        "Version 2 carries the alias beta. Programs that load it by that alias would fail.",
    ]
    assert because(written, 1) == []
    assert because(written, None) == because(written)
    refused(written)
    assert written.client.get_prompt_version_by_alias("greeting", "beta").version == 2


def test_what_was_evaluated_stays(written):
    evaluation(written, 2)
    evaluation(written, 1, found=2)
    assert because(written) == ["Evaluations of it: 2. Nobody could read any more what they judged."]
    refused(written)


def test_what_a_release_names_or_would_go_back_to_stays(written):
    release(written, None, 2)
    release(written, 2, 3)
    assert because(written) == ["A rollback would go back to it, to release 1.", "Releases that name it: 1, 2."]
    refused(written)
    assert because(written, 1) == []


def test_a_proposed_release_keeps_its_version(written):
    release(written, None, 2, State.PROPOSED)
    refused(written)


def test_the_only_version_goes_with_its_prompt(written):
    for version in (1, 2):
        bin.trash(written, "greeting", version)
    with pytest.raises(InvalidInputError, match="All other versions of the prompt are in the trash already"):
        bin.trash(written, "greeting", 3)
    for version in (1, 2):
        bin.erase(written, "greeting", version)
    with pytest.raises(InvalidInputError, match="only version"):
        bin.trash(written, "greeting", 3)
    bin.trash(written, "greeting")
    assert prompts.names(written) == []
    assert list(bin.trashed(written)) == ["greeting"]


def test_a_whole_prompt_goes_comes_back_and_is_deleted(written):
    comments.write(written, "greeting", 3, "Fine.")
    with audit.change(written, Verb.MOVE_ALIAS, "greeting", None, 1, "release 7"):
        pass
    bin.trash(written, "greeting")
    with pytest.raises(ConflictError, match="in the trash"):
        prompts.save(written, "greeting", "Four", "")
    bin.restore(written, "greeting")
    assert prompts.names(written) == ["greeting"]
    bin.trash(written, "greeting")
    bin.erase(written, "greeting")
    assert prompts.every_name(written) == {}
    assert prompts.save(written, "greeting", "A new life", "").version == 1
    assert comments.all(written, "greeting") == []
    assert moves.history(written, "greeting") == []


def test_a_needed_prompt_stays(written):
    evaluation(written, 2)
    with pytest.raises(BlockedError, match="Evaluations of it: 1") as refused:
        bin.trash(written, "greeting")
    assert str(refused.value.remedy) == "Archive the prompt to hide it."
    assert prompts.names(written) == ["greeting"]


def test_an_archived_prompt_leaves_the_list_and_loses_nothing(written):
    evaluation(written, 2)
    bin.archive(written, "greeting")
    assert (prompts.names(written), bin.archived(written)) == ([], ["greeting"])
    assert listed(written) == [3, 2, 1]
    bin.archive(written, "greeting", archived=False)
    assert (prompts.names(written), bin.archived(written)) == (["greeting"], [])


@pytest.mark.parametrize(
    ("stage", "told"), [(Stage.PRODUCTION, "answers people now"), (Stage.STAGING, "another environment now: Staging")]
)
def test_what_answers_somewhere_is_not_archived(written, stage, told):
    apps.save_environment(written, Environment(Stage.STAGING, "support-staging"))
    standing.stand(apps.at(written, stage), 1, agent(written, linked=1), weight=100)
    with pytest.raises(BlockedError, match=told):
        bin.archive(written, "greeting")
    with pytest.raises(BlockedError) as not_deleted:
        bin.trash(written, "greeting")
    assert str(not_deleted.value.remedy) == "Release an agent with another prompt first."


@pytest.mark.parametrize(
    ("write", "role"),
    [(bin.trash, Role.AUTHOR), (bin.restore, Role.AUTHOR), (bin.erase, Role.ADMIN), (bin.archive, Role.AUTHOR)],
)
def test_only_the_right_role_may(written, write, role):
    person = replace(written, actor=Actor("bob", frozenset(ALL_ROLES - {role})))
    with pytest.raises(ForbiddenError):
        write(person, "greeting", 2)


def test_another_apps_prompt_cannot_be_touched(written, bare_workspace):
    form = AppForm(id="billing", name="Billing", company="Acme", model="practice", endpoint="billing")
    billing = bare_workspace.for_app(apps.create(bare_workspace, form))
    for version in (None, 2):
        with pytest.raises(NotFoundError):
            bin.trash(billing, "greeting", version)
    assert listed(written) == [3, 2, 1]


def test_nothing_is_deleted_while_a_release_is_on_its_way(written):
    bin.trash(written, "greeting", 2)
    jobs.submit(written, "release", {"release": 1}, exclusive="pointer:support")
    with pytest.raises(ConflictError, match="release is on its way"):
        bin.erase(written, "greeting", 2)
    assert prompts.version(written, "greeting", 2).trashed


def test_nothing_is_deleted_while_the_alias_is_being_moved(written):
    bin.trash(written, "greeting", 2)
    with audit.change(written, Verb.MOVE_ALIAS, "greeting", before=None, after=2, why="release 7"):
        with pytest.raises(ConflictError, match="release is on its way"):
            bin.erase(written, "greeting", 2)
        mlflow.genai.set_prompt_alias("greeting", "production", 2)
    assert production.alias(written, "greeting") == 2


def test_a_move_that_comes_while_deleting_waits_and_never_loses_the_alias(written, monkeypatch):
    """The mover starts inside the delete: it must end with an error or with an alias that points somewhere."""
    bin.trash(written, "greeting", 2)
    production.move_alias(written, "greeting", None, 1, "release 6")
    client, outcome = type(written.client), []
    delete = client.delete_prompt_version

    def move():
        try:
            production.move_alias(written, "greeting", 1, 2, "release 7")
        except ConsoleError as error:
            outcome.append(error)

    mover = threading.Thread(target=move)

    def slowly(*args):
        mover.start()
        mover.join(0.5)
        return delete(*args)

    monkeypatch.setattr(client, "delete_prompt_version", slowly)
    bin.erase(written, "greeting", 2)
    mover.join()
    assert len(outcome) == 1
    assert production.alias(written, "greeting") == 1


def test_a_version_in_the_trash_cannot_be_released(written):
    bin.trash(written, "greeting", 2)
    with pytest.raises(InvalidInputError, match="Version 2 of greeting is in the trash"):
        facts.candidate(written, None, prompts.version(written, "greeting", 2), (None, None))


def test_after_thirty_days_the_trash_is_emptied(written, monkeypatch):
    prompts.save(written, "farewell", "Bye", "")
    bin.trash(written, "farewell")
    for version in (1, 2):
        bin.trash(written, "greeting", version)
    bin.restore(written, "greeting", 1)
    assert bin.erase_expired(written) == 0
    monkeypatch.setattr(bin, "KEPT", timedelta(0))
    assert bin.erase_expired(written) == 2
    assert [one.version for one in prompts.every_version(written, "greeting")] == [3, 1]
    assert list(prompts.every_name(written)) == ["greeting"]
    assert bin.erase_expired(written) == 0


def test_what_is_needed_again_outlasts_its_thirty_days(written, monkeypatch):
    bin.trash(written, "greeting", 2)
    evaluation(written, 2)
    monkeypatch.setattr(bin, "KEPT", timedelta(0))
    assert bin.erase_expired(written) == 0
    assert prompts.version(written, "greeting", 2).trashed


def test_the_worker_looks_after_every_app_by_itself(written, finish):
    worker = Worker(written.settings)
    for _ in range(2):
        worker.ticked = 0.0
        worker._tick()
    assert [(one.actor, one.recurring) for one in jobs.recent(written, "tend_prompts")] == [("signalbox", True)]
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    with written.engine.begin() as connection:
        connection.execute(job_table.update().values(every=None))
    ended = finish(written, jobs.recent(written, "tend_prompts")[0])
    assert (ended.result, set(ended.checkpoint)) == ({"erased": 0}, {"at", "emptied_at"})
    assert moves.history(written, "greeting")[0].outside
    mlflow.genai.set_prompt_alias("greeting", "production", 3)
    found = moves.notice(written, "greeting")
    assert found.at.isoformat() >= ended.checkpoint["at"]


def test_an_archived_app_is_left_alone(written):
    apps.archive(written)
    jobs.ensure(written.engine, "tend_prompts", 60)
    assert jobs.recent(written) == []


def test_erasing_a_prompt_takes_its_drafts_and_its_versions_entries(workspace, monkeypatch):
    for text in ("One", "Two"):
        prompts.save(workspace, "farewell", text, "")
    drafts.keep(workspace, drafts.Draft("farewell", Content("Half a text"), base=2))
    bin.trash(workspace, "farewell", 1)
    bin.trash(workspace, "farewell")
    bin.erase(workspace, "farewell")

    assert drafts.all(workspace) == []
    monkeypatch.setattr(bin, "KEPT", timedelta(0))
    assert bin._expired(workspace) == []
    prompts.save(workspace, "farewell", "Anew", "")
    assert drafts.mine(workspace, "farewell") is None
