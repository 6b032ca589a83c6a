"""Archiving, the trash and deleting for good, as the operator clicks them."""

import mlflow
import pytest

from services import prompts
from services.prompts import bin
from tests.pages.conftest import texts


@pytest.fixture
def written(workspace):
    for text in ("One", "Two"):
        prompts.save(workspace, "greeting", text, "")
    prompts.save(workspace, "farewell", "Bye", "")
    return workspace


def opened(screen, name="greeting"):
    """The prompt with its menu open."""
    shown = screen("prompts", prompt=name, view="versions")
    shown.session_state[f"manage-{name}"] = True
    return shown.run()


def hidden(shown):
    shown.session_state["hidden-prompts"] = True
    return shown.run()


def read(shown):
    return texts(shown).replace("\\", "")


def test_a_prompt_is_archived_found_again_and_brought_back(screen, written):
    shown = opened(screen)
    shown.button(key="archive-prompt").click().run()
    assert prompts.names(written) == ["farewell"]
    shown = opened(screen, "farewell")
    shown.button(key="unarchive-greeting").click().run()
    assert prompts.names(written) == ["farewell", "greeting"]
    bin.archive(written, "greeting")
    prompts.save(written, "third", "Three", "")
    shown = hidden(screen("prompts"))
    shown.button(key="open-archived-greeting").click().run()
    assert "**Version 2**" in read(screen("prompts", prompt="greeting", view="versions"))
    assert shown.query_params["prompt"] == "greeting"


def test_an_archived_prompt_can_still_be_read(screen, written):
    bin.archive(written, "greeting")
    shown = opened(screen)
    assert "**Version 2**" in read(shown)
    shown.button(key="unarchive-greeting").click().run()
    assert "greeting" in prompts.names(written)


def test_a_whole_prompt_goes_to_the_trash_and_comes_back_at_once(screen, written):
    shown = opened(screen)
    shown.button(key="trash-prompt").click().run()
    assert prompts.names(written) == ["farewell"]
    assert "greeting is in the trash." in read(shown)
    shown.button(key="undo-trash").click().run()
    assert "greeting" in prompts.names(written)


def test_the_last_prompt_can_be_brought_back_from_an_empty_screen(screen, written):
    for name in ("greeting", "farewell"):
        bin.trash(written, name)
    shown = hidden(screen("prompts"))
    shown.button(key="restore-greeting-").click().run()
    assert prompts.names(written) == ["greeting"]


def test_deleting_for_good_asks_first(screen, written):
    bin.trash(written, "greeting", 1)
    shown = opened(screen)
    assert shown.button(key="erase-greeting-1").disabled
    shown.checkbox(key="sure-greeting-1").check().run()
    shown.button(key="erase-greeting-1").click().run()
    assert [one.version for one in prompts.every_version(written, "greeting")] == [2]
    assert "Deleted for good" in shown.toast[0].value


def test_a_refusal_says_why(screen, written):
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    shown = opened(screen)
    shown.button(key="trash-prompt").click().run()
    assert "greeting cannot be deleted: Version 2 is live." in read(shown)
    assert "greeting" in prompts.names(written)


def test_trash_and_archive_in_japanese(screen, written):
    bin.trash(written, "greeting", 1)
    shown = screen("prompts", language="ja", prompt="greeting", view="versions")
    shown.session_state["manage-greeting"] = True
    assert "ごみ箱" in read(shown.run())
