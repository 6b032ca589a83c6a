"""The documents of a new agent, as an operator chooses them."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import apps
from services.apps import AppForm
from services.workspace import Workspace
from tests.pages.conftest import texts

CSV = "id,title,body,url,topic\n" + "".join(f"{n},Title {n},Text {n},https://acme.test/{n},shop\n" for n in range(1, 8))


def draw(app: str = "support", language: str = "en") -> AppTest:
    def page() -> None:
        import streamlit as st

        from pages.components import agent_documents, feedback, session
        from services.messages import Message

        def keep() -> None:
            with feedback.action(Message("Kept.")):
                st.session_state["kept"] = agent_documents.kept(session.workspace())

        feedback.show_outcome()
        agent_documents.show(session.workspace())
        st.button("Keep", key="keep", on_click=keep)

    st.cache_resource.clear()
    test = AppTest.from_function(page, default_timeout=30)
    test.session_state["app"], test.session_state["language"] = app, language
    return test.run()


def choose(test: AppTest, name: str, content: str | bytes) -> AppTest:
    return (
        test.file_uploader[0]
        .set_value((name, content if isinstance(content, bytes) else content.encode(), "text/plain"))
        .run()
    )


@pytest.fixture
def shown(workspace: Workspace) -> AppTest:
    return draw()


def chosen(test: AppTest) -> dict[str, str]:
    return {box.label: box.value for box in test.selectbox}


def test_without_a_file_there_are_no_documents(shown: AppTest) -> None:
    shown.button(key="keep").click().run()
    assert not shown.exception
    assert shown.session_state["kept"] is None
    assert len(shown.selectbox) == 0


def test_columns_are_guessed_and_what_was_understood_is_said(shown: AppTest) -> None:
    choose(shown, "faq.csv", CSV)

    assert not shown.exception
    assert chosen(shown) == {
        "Text": "body",
        "Title": "title",
        "Key, different in every row": "id",
        "Address that readers can open": "url",
    }
    assert "7 documents were understood. The text stands in “body”; each document is known by “id”. 7 of them" in texts(
        shown
    )
    assert list(shown.dataframe[0].value["title"]) == [f"Title {n}" for n in range(1, 6)]
    assert "The first 5 of 7." in texts(shown)


def test_the_click_keeps_what_was_chosen(shown: AppTest) -> None:
    choose(shown, "faq.csv", CSV)
    shown.text_input[0].set_value("Shop questions")
    next(box for box in shown.selectbox if box.label == "Title").select_index(0)
    shown.multiselect[0].set_value(["topic"])
    shown.button(key="keep").click().run()

    kept = shown.session_state["kept"]
    assert (kept["name"], kept["text_column"], kept["doc_uri"], kept["count"]) == ("Shop questions", "body", "url", 7)
    assert kept["other_columns"] == ["topic"]


def test_a_column_that_cannot_be_the_key_is_refused(shown: AppTest) -> None:
    choose(shown, "faq.csv", CSV)
    box = next(box for box in shown.selectbox if box.label.startswith("Key"))
    box.set_value("topic").run()

    assert "The key “shop” stands at document 1 and at document 2." in texts(shown).replace("\\", "")
    shown.button(key="keep").click().run()
    assert "kept" not in shown.session_state


def test_a_file_that_cannot_be_read_says_what_to_do(shown: AppTest) -> None:
    choose(shown, "faq.csv", "本文\nあ\n".encode("cp932"))

    said = texts(shown).replace("\\", "")
    assert "faq.csv is not UTF-8 text." in said
    assert "Save it as UTF-8 and choose it again." in said


def test_another_file_gets_guesses_of_its_own(shown: AppTest) -> None:
    choose(shown, "faq.csv", CSV)
    choose(shown, "manual.md", "# Delivery\nTwo days.\n")

    assert chosen(shown)["Text"] == "text"
    assert "1 documents were understood" in texts(shown)


def test_it_is_told_in_japanese(workspace: Workspace) -> None:
    test = choose(draw(language="ja"), "faq.csv", CSV)
    assert "7 件の文書を読み取りました。本文は列「body」" in texts(test)


def test_the_sample_app_brings_its_own_knowledge(bare_workspace: Workspace) -> None:
    form = AppForm(id="sample", name="Sample", company="Acme", model="practice", endpoint="sample")
    apps.create(bare_workspace, form, sample=True)
    test = draw("sample")
    test.toggle[0].set_value(True).run()

    assert not test.exception
    assert len(test.file_uploader) == 0
    assert "documents were understood" in texts(test)
    test.button(key="keep").click().run()
    assert test.session_state["kept"]["name"] == "knowledge"
