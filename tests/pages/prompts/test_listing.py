"""The list of prompts, as the operator searches, narrows, pages and opens it."""

import re
from datetime import timedelta

import mlflow
import pytest
from sqlalchemy import update

from services import prompts
from services.database import now, prompt_index, writing
from services.prompts import bin, comments, drafts, library
from services.prompts.content import Content
from services.prompts.drafts import Draft
from services.prompts.library import index
from tests.pages.conftest import texts


@pytest.fixture
def written(workspace):
    labels = {"title": "Warm *welcome*", "use_case": "refund"}
    prompts.save(workspace, "greeting", Content("Offer a <b>refund</b>.", labels=labels), "")
    prompts.save(workspace, "greeting", Content("返金は担当者に引き継ぎます。", labels=labels), "")
    prompts.save(workspace, "farewell", Content("Say goodbye.", labels={"use_case": "account"}), "")
    return workspace


def read(shown):
    assert not shown.exception
    return texts(shown).replace("\\", "")


def listed(shown):
    return [one.key.removeprefix("open-") for one in shown.button if one.key and one.key.startswith("open-")]


def search(shown, text):
    return shown.text_input(key="prompts-q-support").set_value(text).run()


def test_a_row_says_what_is_live_who_wrote_it_and_what_waits(screen, written):
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    comments.write(written, "greeting", 1, "Good")
    drafts.keep(written, Draft("greeting", Content("Half"), base=2))
    shown = screen("prompts")
    assert listed(shown) == ["farewell", "greeting"]
    for said in (
        "version 1 is live",
        "your draft",
        "version 2 · ada",
        "comments: 1",
        "Warm *welcome*",
        "Use case: refund",
    ):
        assert said in read(shown)
    assert "not live" in read(shown) and "2 prompts" in read(shown)


def test_a_search_narrows_the_list_and_stands_in_the_address(screen, written):
    shown = search(screen("prompts"), "refund</b>")
    assert (listed(shown), shown.query_params["q"]) == (["greeting"], "refund</b>")
    assert "in version 1" in read(shown) and "Offer a <b>:blue-background[**refund</b>**]." in read(shown)
    shown.button(key="open-greeting").click().run()
    assert shown.query_params["prompt"] == "greeting"
    shown.button(key="back").click().run()
    assert (listed(shown), shown.text_input(key="prompts-q-support").value) == (["greeting"], "refund</b>")


def test_an_address_opens_a_narrowed_list(screen, written):
    assert listed(screen("prompts", q="返金")) == ["greeting"]
    assert listed(screen("prompts", label="use_case:account")) == ["farewell"]
    assert listed(screen("prompts", author="ada", sort="name")) == ["farewell", "greeting"]
    odd = screen("prompts", author="bob", label="no-colon", page="x", sort="?", archived="?")
    assert listed(odd) == [] and "Nothing was found" in read(odd)


def test_nothing_found_says_what_to_do(screen, written):
    shown = search(screen("prompts"), "nowhere at all")
    assert "Nothing was found. Try fewer or other words" in read(shown)
    shown.button(key="show-all").click().run()
    assert listed(shown) == ["farewell", "greeting"]
    assert "q" not in shown.query_params


def test_a_label_and_an_order_are_chosen(screen, written):
    shown = screen("prompts", page="3")
    shown.selectbox(key="prompts-label-support").set_value("use_case:refund").run()
    assert (listed(shown), shown.query_params["label"]) == (["greeting"], "use_case:refund")
    assert "page" not in shown.query_params
    shown.selectbox(key="prompts-label-support").set_value(None).run()
    prompts.save(written, "greeting", "Hello", "")
    shown.selectbox(key="prompts-sort-support").set_value("name").run()
    assert listed(shown) == ["farewell", "greeting"]
    shown.selectbox(key="prompts-sort-support").set_value("newest").run()
    assert (listed(shown), "sort" in shown.query_params) == (["greeting", "farewell"], False)


def test_archived_prompts_are_behind_a_switch(screen, written):
    prompts.save(written, "third", "Three", "")
    bin.archive(written, "greeting")
    shown = screen("prompts")
    assert listed(shown) == ["third", "farewell"]
    shown.toggle(key="prompts-archived-support").set_value(True).run()
    assert listed(shown) == ["third", "farewell", "greeting"]
    assert "archived" in read(shown) and shown.query_params["archived"] == "1"


def test_a_version_saved_elsewhere_is_there_after_a_reload(screen, written):
    shown = screen("prompts")
    mlflow.genai.register_prompt("greeting", "Written elsewhere")
    assert "version 3" in read(shown.run())
    assert listed(search(shown, "elsewhere")) == ["greeting"]


def test_more_prompts_than_a_page_are_paged_and_their_age_is_told(screen, written, monkeypatch):
    monkeypatch.setattr(index, "NEWEST", 2)
    monkeypatch.setattr(index, "GLANCE", 1)
    monkeypatch.setattr("services.prompts.library.PAGE", 2)
    prompts.save(written, "third", "Three", "")
    library.rebuild(written)
    with writing(written.engine) as connection:
        long_ago = now() - timedelta(seconds=40)
        connection.execute(update(prompt_index).values(looked_at=long_ago))
    shown = screen("prompts", page="2")
    assert listed(shown) == ["greeting"] and "3 prompts" in read(shown)
    assert re.search(r"were last read 4\d seconds ago", read(shown))
    shown.button(key="read-now").click().run()
    assert "seconds ago" not in read(shown)


def test_a_new_prompt_that_was_begun_is_found_again(screen, written):
    drafts.keep(written, Draft("", Content("Half a prompt"), new_name="half"))
    shown = screen("prompts")
    assert "You have begun a new prompt and not saved it." in read(shown)
    shown.button(key="go-on").click().run()
    assert shown.text_input(key="draft/support//name").value == "half"


def test_import_is_one_click_away(screen, written):
    shown = screen("prompts")
    shown.button(key="import").click().run()
    assert shown.query_params["import"] == "1"


def test_the_list_in_japanese(screen, written):
    shown = read(screen("prompts", language="ja", q="Offer"))
    for said in ("バージョン 1", "公開していません", "用途：refund"):
        assert said in shown
    assert "見つかりませんでした" in read(screen("prompts", language="ja", q="どこにもない"))
