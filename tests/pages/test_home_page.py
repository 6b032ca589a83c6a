"""Home: what is live and what to do next."""

from services import prompts
from services.prompts import drafts
from tests.pages.conftest import texts


def test_a_new_app_says_that_nothing_is_live_and_what_comes_first(screen):
    shown = screen("home")
    assert not shown.exception
    assert "Nothing is live yet" in texts(shown)
    assert [button.key for button in shown.button if (button.key or "").startswith("next-")] == ["next-prompts"]


def test_after_the_first_prompt_the_agent_comes_next(screen, workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    assert [one.key for one in screen("home").button if (one.key or "").startswith("next-")] == ["next-agents"]


def test_my_unsaved_drafts_are_one_click_away(screen, workspace):
    assert "Your unsaved drafts" not in texts(screen("home"))
    drafts.keep(workspace, drafts.Draft("greeting", prompts.Content("Hel")))
    drafts.keep(workspace, drafts.Draft("", prompts.Content("New"), new_name="farewell"))
    shown = screen("home")
    assert "Your unsaved drafts" in texts(shown)
    labels = [one.proto.label for one in shown.get("page_link")]
    assert [name for name in ("farewell", "greeting") if any(one.startswith(name + " · ") for one in labels)] == [
        "farewell",
        "greeting",
    ]


def test_home_speaks_japanese(screen):
    assert "Nothing is live yet" not in texts(screen("home", language="ja"))
