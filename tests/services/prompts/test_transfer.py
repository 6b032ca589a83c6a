"""Importing from other tools and from the console's own files; exporting without losing a word."""

import json
import random

import mlflow
import pytest

from services import apps, prompts
from services.apps import AppForm
from services.errors import ConflictError, InvalidInputError, PlatformError
from services.messages import Message, render
from services.prompts import ChatMessage, Content, ModelSettings, Origin, bin, library, transfer
from services.prompts.transfer import LARGEST, Fate

HOSTILE = [
    "日本語の指示。{{company_name}}を名乗る\n改行　全角空白",
    "  leading blanks\nand trailing  ",
    "---\n- looks: like yaml\n...\n# not a comment",
    "carriage\r\nreturns\rand tabs\t.",
    "مرحبا {{company_name}} 👩‍👩‍👧‍👦 \u200f\u2028 end",
    "'quotes' \"and\" \\backslashes\\ : & * ! | > % @ `",
    "null",
    "2026-01-01",
    "x" * 90_000,
    '{"a": {"b": 1}} and <script>alert(1)</script>',
]


def planned(workspace, data, **names):
    return transfer.plan(workspace, transfer.read(data), names or None)


def brought(workspace, data, name="imported"):
    """Import a file of one prompt under `name`; the versions it made, oldest first."""
    parcel = transfer.read(data)
    transfer.write(workspace, transfer.plan(workspace, parcel, {0: name}))
    return prompts.history(workspace, name)[::-1]


def said(messages):
    return " ".join(render(message, "en") for message in messages)


@pytest.fixture
def filled(workspace):
    for position, text in enumerate(HOSTILE):
        prompts.save(workspace, "hostile", text, f"note {position}\n二行目", base=position or None)
    chat = Content(
        (
            ChatMessage("system", "Be {{tone}}."),
            ChatMessage("user", "{{question}}"),
            ChatMessage("assistant", "  ok\n"),
        ),
        ModelSettings("gpt-x", 0.2, 50, 0.9, ("END", "\n\n"), {"top_k": 3, "seed": 1}),
        {"type": "object", "properties": {"回答": {"type": "string"}}},
        {"title": "はい: yes", "department": "no", "language": "ja", "own label": "1.0"},
    )
    prompts.save(workspace, "talk", chat, "")
    prompts.save(workspace, "talk", chat, "")
    mlflow.genai.set_prompt_alias("talk", "production", 2)
    return workspace


@pytest.fixture
def elsewhere(filled):
    form = AppForm(id="other", name="Other", company="Acme", model="practice", endpoint="other")
    return filled.for_app(apps.create(filled, form))


@pytest.mark.parametrize("as_json", [False, True])
def test_an_export_is_imported_again_without_loss(filled, elsewhere, as_json):
    parcel = transfer.read(transfer.export(filled, as_json=as_json).encode())
    new_names = {position: f"new-{one.name}" for position, one in enumerate(parcel.prompts)}
    plan = transfer.plan(elsewhere, parcel, new_names)

    assert (plan.format, plan.new, plan.refused) == ("Signalbox", len(HOSTILE) + 2, ())
    assert transfer.write(elsewhere, plan) == plan.new

    for name in ("hostile", "talk"):
        before, after = prompts.history(filled, name), prompts.history(elsewhere, f"new-{name}")
        assert [one.version for one in before] == [one.version for one in after]
        for old, new in zip(before, after, strict=True):
            assert new.content == old.content
            assert (new.note, new.base) == (old.note, old.base)
            assert new.origin == Origin("ada", old.created_at.isoformat(timespec="seconds"))
    assert prompts.live(elsewhere, "new-talk") is None
    once, twice = (transfer.read(transfer.export(place)).prompts for place in (filled, elsewhere))
    assert [one.versions for one in twice] == [one.versions for one in once], "through any number of files"


def test_the_origin_of_an_import_does_not_pass_to_what_is_written_from_it(workspace):
    old_file = {
        "template": "A",
        "author": "bob",
        "labels": {"original_author": "hana", "original_time": "2026-03-03T09:00:00"},
    }
    [first] = brought(
        workspace, json.dumps({"signalbox_prompts": 1, "prompts": [{"name": "p", "versions": [old_file]}]}), "p"
    )
    assert (first.origin.author, first.origin.at.isoformat()) == ("hana", "2026-03-03T09:00:00+00:00")
    assert (first.author, first.content.labels) == ("ada", {})
    assert prompts.save(workspace, "p", first.content, "", first.version).origin is None
    assert [row.name for row in library.find(workspace, library.Query("hana")).rows] == ["p"]


def test_a_second_import_writes_nothing_twice(filled):
    exported = transfer.export(filled)
    again = planned(filled, exported)
    assert again.new == 0
    assert {one.fate for prompt in again.prompts for one in prompt.versions} == {Fate.SAME}
    prompts.save(filled, "talk", "One more", "")
    assert planned(filled, exported).new == 0


def test_random_texts_survive_the_file(workspace):
    pick = random.Random(7)
    alphabet = [*"ab \n\t\r'\"\\:#-{}[]|>%@`&*!?,", "日", "。", "é", "ـ", "👍", "\u2028", "\u0085", "\u00a0"]
    texts = ["a" + "".join(pick.choices(alphabet, k=60)).replace("{{", "{").replace("}}", "}") for _ in range(150)]
    for data in texts:
        stored = {"signalbox_prompts": 1, "prompts": [{"name": "p", "versions": [{"template": data}]}]}
        written = transfer.own.yaml.dump(stored, Dumper=transfer.own.Dumper, allow_unicode=True)
        assert transfer.read(written).prompts[0].versions[0].template == data


def test_an_import_that_was_cut_off_goes_on_where_it_stopped(filled, elsewhere, monkeypatch):
    exported = transfer.export(filled, ["hostile"])
    real, calls = prompts.save, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise PlatformError(Message("MLflow is away."), Message("Wait."))
        return real(*arguments)

    monkeypatch.setattr(prompts, "save", failing)
    parcel = transfer.read(exported)
    with pytest.raises(ConflictError) as caught:
        transfer.write(elsewhere, transfer.plan(elsewhere, parcel, {0: "copy"}))
    assert "Imported versions: 3." in render(caught.value.message, "en")

    rest = transfer.plan(elsewhere, parcel, {0: "copy"})
    assert rest.new == len(HOSTILE) - 3
    transfer.write(elsewhere, rest)
    assert [one.content.text for one in prompts.history(elsewhere, "copy")[::-1]] == HOSTILE


def test_a_name_used_outside_the_app_needs_another_one(filled, elsewhere):
    plan = planned(elsewhere, transfer.export(filled, ["talk"]))
    assert "already used outside this app" in render(plan.prompts[0].problem.message, "en")
    assert (plan.new, transfer.write(elsewhere, plan)) == (0, 0)
    assert prompts.names(elsewhere) == []


def test_plain_text_is_one_prompt(workspace):
    (version,) = brought(workspace, "{{company_name}} の担当者として答える。\n".encode())
    assert version.template == "{{company_name}} の担当者として答える。"
    plan = planned(workspace, "Use {% if x %}")
    assert plan.prompts[0].versions[0].fate is Fate.REFUSED


OPENAI = {
    "model": "gpt-4.1",
    "input": [
        {"role": "developer", "content": [{"type": "input_text", "text": "You help {{customer_name}}."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "{{question}}"}, {"type": "input_image"}]},
    ],
    "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}},
    "temperature": 0.3,
    "max_output_tokens": 256,
    "tools": [{"type": "web_search"}],
    "store": True,
}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(OPENAI),
        "curl https://api.openai.com/v1/responses -H 'Authorization: Bearer $KEY' -d '" + json.dumps(OPENAI) + "'",
        f"from openai import OpenAI\nclient = OpenAI()\n\nresponse = client.responses.create(**{{}}, {', '.join(f'{k}={v!r}' for k, v in OPENAI.items())})",
    ],
)
def test_openai_prompts_come_with_messages_and_settings(workspace, data):
    plan = planned(workspace, data)
    assert plan.format == "OpenAI"
    told = said(plan.prompts[0].versions[0].warnings)
    assert "Message 2 holds something that is no text (input_image)." in told
    assert "Tools and functions are not part of a prompt here: 1" in told

    (version,) = brought(workspace, data)
    assert version.content.template == (
        ChatMessage("system", "You help {{customer_name}}."),
        ChatMessage("user", "{{question}}"),
    )
    assert version.content.settings == ModelSettings("gpt-4.1", 0.3, 256)
    assert version.content.response_format == {"type": "object"}


def test_openai_instructions_alone_are_a_text_prompt(workspace):
    (version,) = brought(
        workspace, json.dumps({"model": "gpt-4.1", "instructions": "Be kind.", "prompt": {"id": "pmpt_1"}})
    )
    assert version.content.template == "Be kind."
    assert version.content.labels["origin"] == "pmpt_1"


def test_a_bare_reference_to_an_openai_prompt_is_explained(workspace):
    with pytest.raises(InvalidInputError) as caught:
        transfer.read('response = client.responses.create(prompt={"id": "pmpt_123", "version": "2"})')
    assert "only names the prompt pmpt_123" in render(caught.value.message, "en")


def test_langfuse_versions_come_in_order(workspace):
    data = [
        {"name": "movie", "version": 2, "type": "chat", "prompt": [{"role": "system", "content": "B {{tone}}"}, {"type": "placeholder", "name": "history"}], "labels": ["production"], "tags": ["a", "b"], "commitMessage": "second"},
        {"name": "movie", "version": 1, "type": "text", "prompt": "A {{tone}}", "config": {"model": "gpt-x", "temperature": "0.5", "stop": "END", "api_key": "hidden", "languages": ["en"]}, "createdBy": "hana"},
    ]  # fmt: skip
    for shape in (data, {"data": data, "meta": {}}):
        plan = planned(workspace, json.dumps(shape))
    assert [one.incoming.number for one in plan.prompts[0].versions] == [1, 2]
    assert "api_key looks like a secret" in said(plan.prompts[0].versions[0].warnings)
    assert "Message 2 is a placeholder (history)" in said(plan.prompts[0].versions[1].warnings)

    first, second = brought(workspace, json.dumps(data), "movie")
    assert first.content.settings == ModelSettings("gpt-x", 0.5, stop_sequences=("END",), others={"languages": ["en"]})
    assert (first.content.labels, first.origin) == ({}, Origin("hana"))
    assert second.content.labels == {"environment": "production", "tags": "a, b"}
    assert (second.note, prompts.live(workspace, "movie")) == ("second", None)


def test_langfuse_without_texts_says_what_to_export(workspace):
    with pytest.raises(InvalidInputError, match="leaves out their texts"):
        transfer.read(json.dumps({"data": [{"name": "movie", "versions": [1], "lastUpdatedAt": "2026"}]}))


def constructor(name, **kwargs):
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", "prompts", name], "kwargs": kwargs}


def message(kind, template, template_format):
    prompt = constructor("PromptTemplate", template=template, template_format=template_format, input_variables=[])
    return constructor(kind, prompt=prompt)


def test_langsmith_templates_become_double_braces(workspace):
    chat = constructor(
        "ChatPromptTemplate",
        messages=[
            message("SystemMessagePromptTemplate", 'Answer as {{"a": 1}} for {company_name}.', "f-string"),
            constructor("MessagesPlaceholder", variable_name="chat_history"),
            message("HumanMessagePromptTemplate", "{{question}}", "mustache"),
        ],
    )
    bound = constructor(
        "RunnableBinding", bound=constructor("ChatOpenAI", model="gpt-x", temperature=0.1, openai_api_key="k")
    )
    sequence = constructor("RunnableSequence", first=chat, last=bound)
    for data in (sequence, [{"manifest": sequence, "commit_hash": "abc", "repo": "support"}]):
        plan = planned(workspace, json.dumps(data))
        (version,) = plan.prompts[0].versions
        assert version.content.template == (
            ChatMessage("system", 'Answer as {"a": 1} for {{company_name}}.'),
            ChatMessage("user", "{{question}}"),
        )
        assert version.content.settings == ModelSettings("gpt-x", 0.1)
        assert "placeholder (chat_history)" in said(version.warnings)
    assert plan.prompts[0].name == "support"


def test_sections_of_mustache_are_told(workspace):
    text = constructor("PromptTemplate", template="{{#if}}x{{/if}}", template_format="mustache")
    (version,) = planned(workspace, json.dumps(text)).prompts[0].versions
    assert version.fate is Fate.REFUSED
    assert "sections or partials" in said(version.warnings)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "nothing to import"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"x" * (LARGEST + 1), "MB are allowed"),
        (b"{broken", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"a": 1}', "not of a tool that is known"),
        (b"signalbox_prompts: 9\nprompts: []", "cannot be read"),
        (b'{"input": [], "messages": 3, "instructions": 1}', "cannot be read"),
        (b'{"instructions": "x", "text": "plain"}', "cannot be read"),
        (b'[{"name": "x", "prompt": "y", "version": "v1"}]', "cannot be read"),
        (b'[{"name": "x", "prompt": "y", "config": "text"}]', "cannot be read"),
        (b'{"lc": 1, "id": ["x", "ChatPromptTemplate"], "kwargs": {"messages": ["a"]}}', "cannot be read"),
        (b"signalbox_prompts: 1\na: &a [x, x]\nb: [*a, *a]", "references are not allowed"),
        (b"signalbox_prompts: 1\na: !!python/object/apply:os.system ['id']", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(data, reason):
    with pytest.raises(InvalidInputError) as caught:
        transfer.read(data)
    assert reason in render(caught.value.message, "en")
    assert caught.value.remedy is not None


def test_broken_entries_of_a_file_are_named_and_the_others_kept(workspace):
    data = "signalbox_prompts: 1\nprompts:\n- name: good\n  versions:\n  - template: no\n    labels: {language: no}\n- 3\n- name: bad\n"
    plan = planned(workspace, data)
    assert [prompt.name for prompt in plan.prompts] == ["good"]
    assert plan.prompts[0].versions[0].content == Content("no", labels={"language": "no"})
    assert said(plan.refused) == "Entry 2 is no prompt with versions. Entry 3 is no prompt with versions."


def test_settings_of_the_wrong_kind_refuse_their_entry_only(workspace):
    data = "signalbox_prompts: 1\nprompts:\n"
    for n, setting in enumerate(("temperature: hot", "max_tokens: 500.5", "stop_sequences: END")):
        data += f"- name: p{n}\n  versions: [{{template: x, settings: {{{setting}}}}}]\n"
    plan = planned(workspace, data)
    assert len(plan.refused) == 2
    assert plan.prompts[0].versions[0].content.settings == ModelSettings(stop_sequences=("END",))


def test_secrets_are_left_out_at_every_depth(workspace):
    config = {"seed": 1, "extra": {"headers": {"Authorization": "x", "note": "Bearer abcdefghijklmnopqrst", "a": "b"}}}
    data = json.dumps(
        [{"name": "p", "prompt": "Hello", "config": config, "commitMessage": "sk-abcdefghijklmnopqrstuv"}]
    )
    (version,) = planned(workspace, data).prompts[0].versions
    assert version.content.settings.others == {"seed": 1, "extra": {"headers": {"a": "b"}}}
    told = said(version.warnings)
    assert "Authorization looks like a secret" in told and "note looks like a secret" in told
    assert "seems to hold an access key" in told


def test_a_plan_that_was_written_elsewhere_meanwhile_writes_nothing_twice(workspace):
    plan = planned(workspace, "signalbox_prompts: 1\nprompts: [{name: p, versions: [{template: a}, {template: b}]}]")
    assert (transfer.write(workspace, plan), transfer.write(workspace, plan)) == (2, 0)
    assert len(prompts.history(workspace, "p")) == 2


def test_an_export_leaves_the_trash_out(filled):
    bin.trash(filled, "hostile")
    assert [one.name for one in transfer.read(transfer.export(filled)).prompts] == ["talk"]


def test_keys_in_a_text_are_warned_about(workspace):
    (version,) = planned(workspace, "Use sk-abcdefghijklmnopqrstuvwx to call.").prompts[0].versions
    assert "seems to hold an access key" in said(version.warnings)
