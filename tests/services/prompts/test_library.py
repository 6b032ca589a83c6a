"""The list of an app's prompts: complete, searchable, and up to date whoever changed something, and where."""

from dataclasses import replace

import mlflow
import pytest
from sqlalchemy import delete, select

from services import apps, production, prompts
from services.apps import AppForm
from services.database import prompt_entry, prompt_label, prompt_words, writing
from services.errors import PlatformError
from services.processes.worker import Worker
from services.prompts import bin, comments, drafts, library
from services.prompts.content import ChatMessage, Content
from services.prompts.drafts import Draft
from services.prompts.library import Order, Query, index, registry
from services.prompts.library.words import Line, excerpt, fold


@pytest.fixture
def written(workspace):
    labels = {"title": "Warm welcome", "use_case": "refund"}
    prompts.save(workspace, "greeting", Content("Say hello, {{company_name}}.\nOffer a refund.", labels=labels), "")
    prompts.save(
        workspace, "greeting", Content("Say hello kindly.\n返金は担当者に引き継ぎます。", labels=labels), "warmer"
    )
    prompts.save(workspace, "farewell", Content("Say goodbye.", labels={"use_case": "account"}), "")
    return workspace


@pytest.fixture
def small(monkeypatch):
    """Pages of two prompts and readings of two versions, so that little data shows what much data does."""
    for name, value in {"NEWEST": 2, "GLANCE": 1, "WINDOW": 2, "MOST_READ": 1, "REREAD": 2}.items():
        monkeypatch.setattr(index, name, value)
    monkeypatch.setattr(library, "PAGE", 2)


def found(workspace, text="", **asked):
    return [row.name for row in library.find(workspace, Query(text, **asked)).rows]


def row(workspace, name, text=""):
    return next(one for one in library.find(workspace, Query(text)).rows if one.name == name)


def outside(workspace, name, text):
    """A version registered by plain MLflow, of a prompt of this app."""
    made = mlflow.genai.register_prompt(name, text)
    mlflow.genai.set_prompt_tag(name, prompts.APP_TAG, workspace.app.id)
    return made.version


def held(workspace):
    """What the index says, without when it was read."""
    with workspace.engine.connect() as connection:
        lines = select(prompt_words.c.name, prompt_words.c.words, prompt_words.c.lines).order_by(prompt_words.c.name)
        entries = select(prompt_entry).order_by(prompt_entry.c.name)
        labels = select(prompt_label).order_by(prompt_label.c.name, prompt_label.c.key)
        shown = [
            {key: value for key, value in one._mapping.items() if key not in ("looked_at", "read_at")}
            for one in connection.execute(entries)
        ]
        return (
            shown,
            [tuple(one) for one in connection.execute(labels)],
            [tuple(one) for one in connection.execute(lines)],
        )


def test_a_row_tells_newest_live_author_labels_and_comments(written):
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    comments.write(written, "greeting", 2, "Good")
    comments.write(written, "greeting", None, "Whole")
    drafts.keep(written, Draft("greeting", Content("Half"), base=2))
    shown = row(written, "greeting")
    assert (shown.newest, shown.title, shown.author, shown.live) == (2, "Warm welcome", "ada", 1)
    assert (shown.labels, shown.comments, shown.draft) == ({"use_case": "refund"}, 2, True)
    assert shown.written_at == prompts.version(written, "greeting", 2).created_at
    assert (row(written, "farewell").live, row(written, "farewell").comments) == (None, 0)


def test_the_newest_change_comes_first_unless_asked_for_names(written):
    prompts.save(written, "greeting", "Hello again", "")
    assert found(written) == ["greeting", "farewell"]
    assert found(written, order=Order.NAME) == ["farewell", "greeting"]


def test_a_search_goes_through_names_titles_texts_labels_and_authors(written):
    both = ["farewell", "greeting"]
    asked = {
        "greet": ["greeting"],
        "WARM": ["greeting"],
        "warmer": ["greeting"],
        "company_name": ["greeting"],
        "account": ["farewell"],
        "ada": both,
        "返金": ["greeting"],
        "金": ["greeting"],
        "引き継ぎ\u3000担当者": ["greeting"],
        "ｓａｙ": both,
        "hello kindly": ["greeting"],
        "hello goodbye": [],
        "返品": [],
        " ": both,
    }
    assert {text: sorted(found(written, text)) for text in asked} == asked


def test_signs_of_query_languages_are_only_signs(written):
    signs = ["%", "\\", "'", '"', "*", "-hello", "text:hello", "NEAR(say", "hello) AND", "50/", "\x00%"]
    prompts.save(written, "signs", "50/50, 100% \\ 'one' \"two\" * NEAR(say hello) AND -hello text:hello", "")
    assert {sign: found(written, sign) for sign in signs} == {sign: ["signs"] for sign in signs}
    others = ["/%", "a%e", "h_llo", "'; DROP TABLE app; --", "[h]ello", "hell?"]
    assert {sign: found(written, sign) for sign in others} == {sign: [] for sign in others}
    assert found(written, "company_") == ["greeting"]


def test_a_hit_in_an_older_version_says_which_and_shows_the_words_around_it(written):
    hit = row(written, "greeting", "REFUND. offer").excerpt
    assert (hit.version, hit.parts) == (1, (("Offer", True), (" a ", False), ("refund.", True)))
    assert row(written, "greeting", "担当者に").excerpt.version == 2


def test_a_version_in_the_trash_is_not_searched_unless_it_answers_people(written):
    bin.trash(written, "greeting", 1)
    assert found(written, "company_name") == []
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    assert found(written, "company_name") == ["greeting"]
    mlflow.genai.delete_prompt_alias("greeting", "production")
    bin.restore(written, "greeting", 1)
    assert found(written, "company_name") == ["greeting"]


def test_a_long_line_is_cut_around_the_hit_at_its_own_letters():
    line = Line(3, "ﬁrst ㍿ " + "あ" * 200 + "返金ＡＢＣ" + "い" * 200)
    parts = excerpt([line], [fold(line.text)], ["返金abc"]).parts
    assert parts == (("…", False), ("あ" * 60, False), ("返金ＡＢＣ", True), ("い" * 115, False), ("…", False))
    assert excerpt([line], [fold(line.text)], ["first 株式会社"]).parts[:2] == (
        ("ﬁrst ㍿", True),
        (" " + "あ" * 113, False),
    )


def test_filters_go_by_the_newest_version(written):
    assert found(written, label=("use_case", "refund")) == ["greeting"]
    assert found(written, label=("use_case", "other")) == []
    assert found(written, author="ada") == ["farewell", "greeting"]
    assert found(written, author="bob") == []
    offered = library.choices(written)
    assert (offered.authors, offered.labels) == (("ada",), (("use_case", "account"), ("use_case", "refund")))


def test_an_imported_prompt_is_listed_under_who_wrote_it(written):
    prompts.save(written, "elsewhere", "Say it in French.", "", origin=prompts.Origin("grace@example.com"))
    prompts.save(written, "unsigned", "Say it in Dutch.", "", origin=prompts.Origin(time="2026-03-03"))
    assert found(written, author="grace@example.com") == ["elsewhere"]
    assert "unsigned" in found(written, author="ada")
    assert row(written, "elsewhere").author == "grace@example.com"
    assert found(written, "ada french") == ["elsewhere"]


def test_archived_prompts_are_listed_only_on_request_and_the_trash_never(written):
    bin.archive(written, "greeting")
    bin.trash(written, "farewell")
    assert (found(written), prompts.names(written)) == ([], [])
    assert found(written, archived=True) == ["greeting"]
    assert library.find(written, Query(archived=True)).rows[0].archived
    bin.archive(written, "greeting", archived=False)
    bin.restore(written, "farewell")
    assert prompts.names(written) == ["farewell", "greeting"]


def test_what_plain_mlflow_writes_is_there_at_the_next_look(written):
    assert found(written, "elsewhere") == []
    assert outside(written, "greeting", "Written elsewhere") == 3
    assert (row(written, "greeting").newest, found(written, "elsewhere")) == (3, ["greeting"])
    outside(written, "third", "A prompt made elsewhere")
    assert found(written, "elsewhere") == ["third", "greeting"]
    assert prompts.names(written) == ["farewell", "greeting", "third"]


def test_what_plain_mlflow_deletes_is_gone_at_the_next_look(written):
    assert found(written, "引き継ぎ") == ["greeting"]
    mlflow.MlflowClient().delete_prompt_version("greeting", "2")
    assert (row(written, "greeting").newest, found(written, "引き継ぎ")) == (1, [])
    mlflow.MlflowClient().delete_prompt("greeting")
    assert (found(written), prompts.names(written)) == (["farewell"], ["farewell"])


def test_a_move_and_a_tag_made_elsewhere_are_seen(written):
    assert row(written, "greeting").live is None
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    mlflow.MlflowClient().set_prompt_version_tag("greeting", "2", "title", "Another title")
    assert (row(written, "greeting").live, row(written, "greeting").title) == (2, "Another title")
    mlflow.MlflowClient().set_prompt_tag("farewell", prompts.ARCHIVE_TAG, "2026-01-01T00:00:00+00:00")
    assert found(written) == ["greeting"]


def test_another_apps_prompts_never_appear(written):
    form = AppForm(id="billing", name="Billing", company="Acme", model="practice", endpoint="billing")
    billing = written.for_app(apps.create(written, form))
    prompts.save(billing, "invoice", "Say hello to the bill", "")
    mlflow.genai.register_prompt("nobodys", "Say hello")
    assert found(written, "hello") == ["greeting"]
    assert (found(billing), prompts.names(billing)) == (["invoice"], ["invoice"])
    library.rebuild(billing)
    assert found(written) == ["farewell", "greeting"]


def test_more_prompts_than_a_page_are_paged(written, small):
    for name in ("third", "fourth", "fifth"):
        prompts.save(written, name, f"The {name}", "")
    page = library.find(written, Query())
    assert ([one.name for one in page.rows], page.total, page.pages) == (["fifth", "fourth"], 5, 3)
    assert found(written, page=3) == ["greeting"]
    assert (found(written, page=9), library.find(written, Query(page=9)).number) == (["greeting"], 3)
    assert prompts.names(written) == ["farewell", "fifth", "fourth", "greeting", "third"]


def test_own_writes_to_prompts_off_the_first_page_are_seen_at_once(written, small):
    for name in ("third", "fourth", "fifth"):
        prompts.save(written, name, f"The {name}", "")
    assert found(written, "Renamed") == []
    prompts.label(written, "greeting", 1, {"title": "Renamed"})
    assert found(written, "Renamed") == ["greeting"]
    production.move_alias(written, "greeting", None, 1, "test")
    assert row(written, "greeting", "Renamed").live == 1
    bin.archive(written, "farewell")
    assert "farewell" not in prompts.names(written)
    bin.trash(written, "third")
    bin.erase(written, "third")
    assert library.find(written, Query(archived=True)).total == 4


def test_rows_off_the_first_page_are_compared_when_they_are_shown(written, small):
    for name in ("third", "fourth", "fifth"):
        prompts.save(written, name, f"The {name}", "")
    found(written)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    assert library.find(written, Query(page=3)).rows[0].live == 2
    mlflow.MlflowClient().delete_prompt("farewell")
    assert found(written, "farewell") == []


def test_the_newest_page_asks_the_registry_once_and_sees_what_others_wrote(written, small, monkeypatch):
    for name in ("third", "fourth", "fifth"):
        prompts.save(written, name, f"The {name}", "")
    found(written)
    mlflow.genai.set_prompt_alias("fifth", "production", 1)
    asked = []
    monkeypatch.setattr(registry, "_search", lambda *call, real=registry._search: asked.append(call) or real(*call))
    assert [(one.name, one.live) for one in library.find(written, Query()).rows] == [("fifth", 1), ("fourth", None)]
    assert len(asked) == 1
    outside(written, "greeting", "Say it from elsewhere.")
    assert found(written) == ["greeting", "fifth"]


def test_a_search_that_finds_what_changed_last_asks_the_registry_once_and_another_one_twice(
    written, small, monkeypatch
):
    for name in ("third", "fourth", "fifth"):
        prompts.save(written, name, f"The {name}", "")
    found(written)
    mlflow.genai.set_prompt_alias("fifth", "production", 1)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    asked = []
    monkeypatch.setattr(registry, "_search", lambda *call, real=registry._search: asked.append(call) or real(*call))
    last = library.find(written, Query("the")).rows
    assert ([(one.name, one.live) for one in last], len(asked)) == ([("fifth", 1), ("fourth", None)], 1)
    asked.clear()
    old = library.find(written, Query("hello")).rows
    assert ([(one.name, one.live) for one in old], len(asked)) == ([("greeting", 2)], 2)


def test_many_outside_writes_at_once_are_all_found(written, small):
    library.rebuild(written)
    for number in range(6):
        outside(written, f"bulk-{number}", f"Bulk {number}")
        outside(written, f"bulk-{number}", f"Second bulk {number}")
    page = library.find(written, Query("Second bulk"))
    assert (page.total, page.unread) == (6, 5)
    library.read_on(written)
    assert library.find(written, Query("Bulk 5")).unread == 0


def test_the_age_is_told_and_ends_with_a_look_at_everything(written, small):
    for name in ("third", "fourth"):
        prompts.save(written, name, f"The {name}", "")
    before = library.find(written, Query()).as_of
    mlflow.MlflowClient().set_prompt_version_tag("greeting", "1", "title", "Changed elsewhere")
    mlflow.MlflowClient().set_prompt_tag("farewell", prompts.ARCHIVE_TAG, "2026-01-01T00:00:00+00:00")
    assert library.find(written, Query()).as_of == before
    assert "farewell" in prompts.names(written)
    library.refresh_all(written)
    library.read_on(written)
    library.read_on(written)
    assert library.find(written, Query()).as_of > before
    assert "farewell" not in prompts.names(written)
    assert found(written, "changed elsewhere") == ["greeting"]


def test_the_worker_keeps_the_index_fresh(written, finish, small):
    from services import jobs

    found(written)
    mlflow.MlflowClient().set_prompt_version_tag("greeting", "1", "title", "Changed elsewhere")
    jobs.ensure(written.engine, "tend_prompts", 3600)
    worker = Worker(written.settings)
    while not jobs.recent(written, "tend_prompts")[0].ended_at:
        worker.work()
    assert jobs.recent(written, "tend_prompts")[0].error is None
    assert found(written, "changed elsewhere") == ["greeting"]


def test_two_hundred_versions_are_searched_and_the_newest_is_shown(workspace):
    for number in range(200):  # by plain MLflow
        mlflow.genai.register_prompt("long", f"Always the same line\nOnly in number {number:03}.")
    mlflow.genai.set_prompt_tag("long", prompts.APP_TAG, workspace.app.id)
    assert row(workspace, "long").newest == 200
    assert library.find(workspace, Query()).unread == 1
    library.read_on(workspace)
    assert row(workspace, "long", "number 000").excerpt.version == 1
    assert row(workspace, "long", "same line").excerpt.version == 200
    outside(workspace, "long", "The last one")
    assert (row(workspace, "long", "number 000").newest, library.find(workspace, Query()).unread) == (201, 0)


def test_rebuilding_gives_the_same_as_following(written):
    found(written)
    prompts.save(
        written, "third", (Content((ChatMessage("system", "Be kind"), ChatMessage("user", "{{question}}")))), ""
    )
    outside(written, "greeting", "Elsewhere")
    prompts.label(written, "greeting", 1, {"title": "", "use_case": "later"})
    production.move_alias(written, "greeting", None, 2, "test")
    bin.trash(written, "greeting", 3)
    bin.archive(written, "farewell")
    mlflow.genai.set_prompt_alias("third", "production", 1)
    found(written)
    followed = held(written)
    library.rebuild(written)
    assert held(written) == followed
    with writing(written.engine) as connection:
        connection.execute(delete(prompt_entry))
    library.refresh_all(written)
    assert held(written) == followed


def test_a_late_answer_does_not_overwrite_a_newer_one(written, monkeypatch):
    found(written)
    outside(written, "greeting", "Third")
    read = index._read

    def overtaken(*arguments):
        old = read(*arguments)
        monkeypatch.setattr(index, "_read", read)
        outside(written, "greeting", "Fourth")
        assert row(written, "greeting").newest == 4
        return old

    monkeypatch.setattr(index, "_read", overtaken)
    library.refresh_all(written)
    assert row(written, "greeting").newest == 4
    assert found(written, "Fourth") == ["greeting"]


def test_what_is_no_prompt_does_not_hide_the_others(written):
    outside(written, "odd", "Half a prompt")
    mlflow.MlflowClient().delete_prompt_version_tag("odd", "1", "mlflow.prompt.text")
    assert sorted(found(written)) == ["farewell", "greeting", "odd"]
    assert row(written, "odd").newest is None


def test_a_registry_that_is_away_is_told(written, monkeypatch):
    found(written)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = replace(written.settings, tracking_uri="http://127.0.0.1:9")
    with pytest.raises(PlatformError, match="could not be reached"):
        library.find(replace(written, platform=replace(written.platform, settings=away)), Query())
    assert found(written) == ["farewell", "greeting"]
