"""A folder that somebody brings: read from a zip or several files, checked as a whole, run as MLflow lays it out."""

import io
import tracemalloc
import zipfile

import pytest

from services import agents, prompts
from services.agents import AgentForm, checking, documents, folder, shipping
from services.agents.checking.wanting import unchosen_prompt
from services.errors import InvalidInputError
from tests.services.agents import agent_files as files

ENTRY = files.RESPONSES.replace("import uuid\n", "import uuid\n\nfrom words.polite import greet\n").replace(
    'f"You said: {said[-1]}"', "greet(said[-1])"
)
BESIDE = {"words/__init__.py": "", "words/polite.py": "def greet(text):\n    return f'Gladly: {text}'\n"}


def zipped(found, top="agent/"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, text in found.items():
            made.writestr(top + name, text)
    return packed.getvalue()


def test_a_zip_of_a_folder_is_its_files_without_what_tools_left():
    left = {"__pycache__/agent.pyc": "\x00", ".env": "KEY=1", ".git/config": ""}
    found = folder.read([("agent.zip", zipped({"agent.py": ENTRY, **BESIDE, **left}))])
    assert found == {"agent.py": ENTRY, **BESIDE}
    assert folder.entries(found) == ["agent.py"]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ([("a.zip", b"no zip")], "The zip file cannot be opened."),
        ([("a.txt", b"\xff\xfe\x00")], "a.txt is not UTF-8 text."),
        ([("a.zip", zipped({"big.txt": "x" * 2_000_000}))], "The agent's files are too large together."),
        ([(f"{n}.txt", b"") for n in range(201)], "The folder has 201 files; 200 are allowed."),
    ],
)
def test_a_folder_that_cannot_be_logged_is_refused(chosen, told):
    with pytest.raises(InvalidInputError, match=told):
        folder.read(chosen)


def test_a_name_outside_the_folder_is_refused():
    found = folder.read([("a.zip", zipped({"agent.py": "", "../../evil.py": ""}, top=""))])
    with pytest.raises(InvalidInputError, match="cannot be a file's name"):
        folder.check(found)


def test_zips_are_unpacked_only_up_to_the_limit_of_all_together():
    chosen = iter([("a.zip", zipped({f"{n}.txt": "x" * 600_000})) for n in range(9)])
    with pytest.raises(InvalidInputError, match="too large together"):
        folder.read(chosen)
    assert len(list(chosen)) == 7


def test_a_zip_that_understates_its_size_fills_no_memory():
    size = 40_000_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("big.txt", "x" * size)
    content = packed.getvalue().replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match="cannot be opened"):
        folder.read([("a.zip", content)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def deflated(method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as made:
        made.writestr("agent.py", "print(1)\n" * 50)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (deflated()[:38] + b"\xff" * 4 + deflated()[42:], "cannot be opened"),
        (deflated(zipfile.ZIP_BZIP2), "cannot be opened"),
        (zipped({"?": "text"}, top="").replace(b"?", b"\0"), "cannot be opened"),
        (zipped({"a/" * 3000 + "b.py": ""}), "cannot be a file's name"),
        (zipped({"a" * 256 + ".py": "", "b.py": ""}), "cannot be a file's name"),
    ],
)
def test_a_zip_that_is_damaged_or_has_odd_names_is_told_with_a_next_step(content, told):
    with pytest.raises(InvalidInputError, match=told) as found:
        folder.read([("a.zip", content)])
    assert found.value.remedy


@pytest.mark.parametrize("names", [("a", "a/b.py"), ("é" * 128,)])
def test_names_that_no_folder_can_have_are_refused(names):
    with pytest.raises(InvalidInputError, match="cannot be a file's name"):
        folder.check(dict.fromkeys(names, ""))


def test_every_file_is_read_for_keys_and_rules():
    wrong = {
        "words/polite.py": 'import nowhere\n\nPROMPT = "prompts:/a@latest"\n',
        "notes.md": "sk-abcdefghijklmnop1234",
    }
    found = {(one.file, one.line, str(one.what)) for one in checking.read(ENTRY, files=wrong)}
    assert found == {
        ("words/polite.py", 1, "nowhere is not among the packages that are logged with the agent."),
        ("words/polite.py", 3, "A prompt is loaded with @latest."),
        ("notes.md", 1, "A key or password is written in the file."),
    }
    by_client = {**wrong, "words/polite.py": "x = 1\ny = client.get_prompt_version_by_alias('a', 'production')\n"}
    assert [(one.file, one.line) for one in unchosen_prompt(ENTRY, {}, by_client)] == [("words/polite.py", 2)]
    assert not list(unchosen_prompt(ENTRY, {"prompt_name": "a"}, by_client))
    with pytest.raises(InvalidInputError, match=r"in line 1 of notes.md"):
        checking.refuse_secrets(ENTRY, wrong)


READS_DOCUMENTS = ENTRY.replace(
    "class Agent(ResponsesAgent):\n",
    "class Agent(ResponsesAgent):\n"
    "    def load_context(self, context):\n"
    '        with open(context.artifacts["documents"]) as found:\n'
    "            self.count = len(list(found))\n\n",
).replace("greet(said[-1])", "f'{greet(said[-1])} ({self.count} documents)'")


def test_a_folder_with_documents_is_checked_logged_and_tried(model, workspace, finish):
    prompts.save(workspace, "greeting", "Be kind.", "first")
    table = documents.read("faq.csv", b"question,answer\nOpen?,Always\n")
    kept = shipping.keep(workspace, documents.choose(table, documents.guess(table)))
    form = AgentForm("a", "greeting", 1, False, "stub", source=READS_DOCUMENTS, files=BESIDE, documents=kept)
    ended = finish(workspace, agents.log(workspace, form))
    report = agents.checked(ended)
    assert ([str(one.what) for one in report.findings], report.kind) == ([], "ResponsesAgent")
    tried = finish(workspace, agents.try_out(workspace, ended.result["model_id"], 1, "Hello"))
    assert tried.result["answer"] == "Gladly: Hello (1 documents)"
