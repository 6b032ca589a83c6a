"""The search box: what it finds is read there and leads to its screen."""

from services import prompts
from tests.left_traces import leave
from tests.pages.conftest import texts


def test_a_word_finds_a_prompt_and_an_answer(screen, workspace):
    prompts.save(workspace, "greeting", "Be kind about parcels.", "")
    leave(workspace, "Where are my parcels?")
    page = screen("search")
    assert "Finds prompts with all their versions" in texts(page)

    page.text_input(key="search-words").input("parcels").run()
    said = texts(page).replace("\\", "")
    assert "Be kind about **parcels**." in said
    assert "Where are my parcels?" in said


def test_what_is_not_there_is_said_as_it_was_typed(screen):
    page = screen("search", q="<b>zeppelin</b>")
    assert "Nothing in this app has all of the words “<b>zeppelin</b>”" in texts(page).replace("\\", "")
