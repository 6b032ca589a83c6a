"""The versions view: titles, labels, where each is live now and was before, and the way out of the list."""

from datetime import timedelta

import mlflow
import pytest

from services import production, prompts
from services.database import now
from services.prompts import ChatMessage, Content, ModelSettings, bin, comments, moves
from tests.pages.conftest import texts

HOSTILE = "<script>alert(1)</script> **bold** ![p](http://evil/x.png)"


@pytest.fixture
def written(workspace):
    prompts.save(
        workspace, "greeting", Content("One", labels={"title": "丁寧な挨拶", "department": "サポート"}), "first"
    )
    prompts.save(workspace, "greeting", "Two", HOSTILE, base=1)
    return workspace


def versions(screen, **query):
    return screen("prompts", prompt="greeting", view="versions", **query)


def read(shown):
    return texts(shown).replace("\\", "")


def do(shown, version, action):
    shown.menu_button(key=f"do-{version}").set_value(action).run()
    assert not shown.exception
    return shown


def test_a_version_says_who_wrote_it_why_and_from_what(screen, written):
    comments.write(written, "greeting", 2, "Hm.")
    told = read(versions(screen))
    assert "**Version 1** 丁寧な挨拶" in told
    assert ":gray-badge[Department: サポート]" in told
    assert "ada · " in told and "written from version 1" in told and "comments: 1" in told
    assert "\\<script\\>" in texts(versions(screen)) and "!\\[p\\]" in texts(versions(screen))


def test_where_a_version_is_live_now_and_was_before(screen, written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    production.move_alias(written, "greeting", 1, 2, "release 8")
    shown = versions(screen)
    told = read(shown)
    assert "**Version 2** :green-badge[live]" in told
    assert "Live since " in told and ", by release 8" in told
    assert "Was live from " in told and ", by release 7" in told
    assert "Version 2 went live in place of version 1" in told


def test_a_move_made_outside_is_found_when_the_screen_opens(screen, written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    told = read(versions(screen))
    assert ":orange-badge[outside the console]" in told
    assert "What is live was moved outside the console: Version 2 went live in place of version 1 (" in told
    assert moves.history(written, "greeting")[0].outside


def test_what_was_live_at_a_time_is_answered(screen, written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    shown = versions(screen)
    asked = shown.datetime_input(key="live-at-support-greeting")
    asked.set_value(now().replace(tzinfo=None) + timedelta(hours=1)).run()
    assert [one.value for one in shown.success] == ["Live at that time: version 1."]
    shown.datetime_input(key="live-at-support-greeting").set_value(
        now().replace(tzinfo=None) - timedelta(hours=1)
    ).run()
    assert "Nothing was live at that time" in read(shown)


def html(shown):
    return "".join(element.proto.body for element in shown.get("html"))


def test_a_chat_version_is_read_message_by_message(screen, workspace):
    chat = (ChatMessage("system", "Be <b>kind</b>, {{company_name}}."), ChatMessage("user", "{{question}}"))
    prompts.save(workspace, "talk", Content(chat, ModelSettings(temperature=0.2)), "")
    shown = screen("prompts", prompt="talk", view="versions", version="1")
    assert "Be &lt;b&gt;kind&lt;/b&gt;, <b>{{company_name}}</b>.</pre>" in html(shown)
    assert '<div class="sb-role">user</div>' in html(shown)
    assert "temperature 0.2</div>" in html(shown)


def test_a_version_is_tried_beside_what_is_live(screen, written):
    shown = do(versions(screen), 1, "playground")
    assert not shown.exception
    assert shown.title[0].value == "Playground"
    assert shown.query_params["versions"] in ("2,1", ["2,1"])


def test_title_and_labels_are_changed_later(screen, written):
    shown = do(versions(screen), 1, "labels")
    field = "label/support/greeting/1/{}".format
    assert shown.text_input(key=field("title")).value == "丁寧な挨拶"
    shown.text_input(key=field("title")).set_value("Polite <b>greeting</b>")
    assert "support" in shown.selectbox(key=field("department")).options
    shown.selectbox(key=field("department")).set_value(None)
    shown.selectbox(key=field("use_case")).set_value("translate")
    shown.button(key="save-labels").click().run()
    assert not shown.exception
    assert prompts.version(written, "greeting", 1).content.labels == {
        "title": "Polite <b>greeting</b>",
        "use_case": "translate",
    }
    assert "**Version 1** Polite <b>greeting</b>" in read(shown)
    assert not [one for one in shown.text_input if one.key == field("title")]


def test_labels_that_somebody_else_changed_meanwhile_stay(screen, written):
    shown = do(versions(screen), 1, "labels")
    prompts.label(written, "greeting", 1, {"department": "返品", "team": "night"})
    shown.selectbox(key="label/support/greeting/1/use_case").set_value("translate")
    shown.button(key="save-labels").click().run()
    assert prompts.version(written, "greeting", 1).content.labels == {
        "title": "丁寧な挨拶",
        "department": "返品",
        "team": "night",
        "use_case": "translate",
    }


def test_a_label_form_that_was_left_knows_nothing_of_its_old_values(screen, written):
    shown = do(versions(screen), 1, "labels")
    field = "label/support/greeting/1/department"
    shown.query_params["view"] = "write"
    shown.run()
    prompts.label(written, "greeting", 1, {"department": "返品"})
    shown.query_params["view"] = "versions"
    shown = do(shown.run(), 1, "labels")
    assert shown.selectbox(key=field).value == "返品"
    shown.selectbox(key=field).set_value("sales")
    shown.button(key="save-labels").click().run()
    assert prompts.version(written, "greeting", 1).content.labels["department"] == "sales"


def test_a_version_goes_to_the_trash_and_comes_back_at_once(screen, written):
    shown = do(versions(screen), 1, "trash")
    assert [one.version for one in prompts.history(written, "greeting")] == [2]
    assert "Version 1 of greeting is in the trash." in read(shown)
    shown.button(key="undo-trash").click().run()
    assert [one.version for one in prompts.history(written, "greeting")] == [2, 1]
    assert "is in the trash" not in read(shown)


def test_what_is_live_is_not_moved_to_the_trash(screen, written):
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    shown = do(versions(screen), 1, "trash")
    assert "Version 1 of greeting cannot be deleted: Version 1 is live." in read(shown)
    assert "Leave the version where it is" in read(shown)
    assert len(prompts.history(written, "greeting")) == 2
    told = [str(one.value) for one in shown.main if one.type in ("markdown", "error")]
    assert "cannot be deleted" in " ".join(told[told.index("**Version 1** 丁寧な挨拶 :green-badge[live]") :])
    assert "cannot be deleted" in read(shown.run())
    assert "cannot be deleted" not in read(do(shown, 2, "trash"))


def test_the_menu_opens_the_other_views(screen, written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    shown = do(versions(screen), 2, "compare")
    assert {key: shown.query_params[key] for key in ("view", "version", "against")} == {
        "view": "compare",
        "version": "2",
        "against": "1",
    }
    for view in ("used", "comments"):
        shown = do(versions(screen), 2, view)
        assert (shown.query_params["view"], shown.query_params["version"]) == (view, "2")


def test_a_prompt_whose_versions_all_went_says_where_they_are(screen, written):
    for number in (1, 2):
        written.client.set_prompt_version_tag("greeting", str(number), prompts.TRASH_TAG, now().isoformat())
    for view in ("versions", "used", "comments"):
        shown = screen("prompts", prompt="greeting", view=view)
        assert not shown.exception
    assert "Restore one under Manage" in read(versions(screen))


def test_many_versions_are_turned_page_by_page(screen, written):
    for number in range(3, 24):
        prompts.save(written, "greeting", f"Text {number}", "")
    shown = versions(screen)
    assert "**Version 23**" in read(shown) and "**Version 13**" not in read(shown)
    assert "**Version 2**" in read(versions(screen, version="2"))


def test_everything_is_told_in_japanese(screen, written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    bin.trash(written, "greeting", 1)
    told = read(versions(screen, language="ja"))
    assert "コンソールの外" in told and "バージョン 2" in told


def test_an_author_may_not_do_what_the_role_does_not_allow(screen, written, monkeypatch):
    from services import audit

    monkeypatch.setattr(audit, "allowed", lambda *_: False)
    shown = versions(screen)
    assert shown.menu_button(key="do-1").options == ["Compare", "Try in the playground", "Where it is used", "Comments"]
    assert shown.button(key="from-1").disabled


def test_the_text_of_a_version_stands_in_the_list_and_the_one_of_the_address_is_open(screen, written):
    prompts.save(written, "greeting", f"Greet {{{{company_name}}}}. {HOSTILE}", "", base=2)
    drawn = [one.proto.body for one in versions(screen, version="3").get("html") if "sb-read" in one.proto.body]
    assert [" open>" in one for one in drawn] == [True, False, False]
    assert "Greet <b>{{company_name}}</b>. &lt;script&gt;alert(1)" in drawn[0]
    assert ">Two</pre>" in drawn[1] and ">One</pre>" in drawn[2]
