"""Checking an agent's file: good ones give no finding, broken ones the very sentence that mends them."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from services import agents, jobs, prompts
from services.agents import AgentForm, checking
from services.agents.checking import Finding, Report, told
from services.agents.checking.needs import unserved_python
from services.agents.logging import BUILT_IN
from services.errors import ForbiddenError, InvalidInputError
from services.jobs import State
from services.messages import Message, render
from services.people import Role
from services.processes.probe import calls
from services.secrets import masked
from tests.services.agents import agent_files as files
from tests.stub_model import stub_model


def swapped(source, old, new):
    assert old in source
    return source.replace(old, new)


RESPONSES_BODY = "        said = "
CHAT_BODY = "        text = f"
BROKEN = {
    "wrong schema": swapped(files.RESPONSES, "ResponsesAgentResponse(output=[item])", "text"),
    "hangs": swapped(
        files.RESPONSES, RESPONSES_BODY, "        import time\n        time.sleep(300)\n" + RESPONSES_BODY
    ),
    "ends the process": swapped(
        files.RESPONSES,
        RESPONSES_BODY,
        "        import os\n        print('bye', flush=True)\n        os._exit(3)\n        said = ",
    ),
    "leaks": swapped(
        swapped(files.RESPONSES, "class Agent(ResponsesAgent):", "class Agent(ResponsesAgent):\n    heard = []\n"),
        '        text = f"You said: {said[-1]}"',
        '        self.heard.extend(map(str, said))\n        text = f"You said: {self.heard}"',
    ),
    "no end": swapped(
        swapped(files.STREAMING, '"response.output_item.done"', '"response.output_item.added"'), '"done"', '"added"'
    ),
    "other ids": swapped(files.STREAMING, "item_id=item_id)", "item_id=str(uuid.uuid4()))"),
    "other text": swapped(files.STREAMING, "text=whole", 'text="Hello"'),
    "empty input": swapped(files.RESPONSES, ' if said else "Please ask."', ""),
    "same id": swapped(files.RESPONSES, 'id=f"msg_{uuid.uuid4().hex}"', 'id="msg_1"'),
    "chat schema": swapped(files.CHAT, ", id=str(uuid.uuid4())", ""),
    "chat fails": swapped(
        files.CHAT, CHAT_BODY, "        raise ValueError('no more sk-abcdefghijklmnopqrst')\n" + CHAT_BODY
    ),
    "chat ids": swapped(files.CHAT_STREAMING, "content=word, id=id", "content=word, id=str(uuid.uuid4())"),
    "text type": swapped(files.TEXTS, 'return [f"You said: {question}" for question in model_input]', "return 7"),
    "text fails": swapped(files.TEXTS, "        return", "        model_input[0].upper(1)\n        return"),
    "not an agent": swapped(files.FUNCTION, "set_model(answer)", 'set_model("answer")'),
    "no workspace": swapped(
        files.RESPONSES,
        RESPONSES_BODY,
        "        from databricks.sdk import WorkspaceClient\n        index = WorkspaceClient().vector_search_indexes\n"
        "        index.query_index(index_name='main.support.faq', columns=['text'])\n" + RESPONSES_BODY,
    ),
    "top of the file": swapped(files.TEXTS, "\n\nclass", "\nprint(1 / 0)\n\n\nclass"),
}


@pytest.fixture(scope="module")
def seen():
    """Every file run once, two at a time, as they share a machine."""
    with stub_model() as stub, pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        stub.answer = lambda system, question: f"Gladly: {question}"
        patch.setenv("OPENAI_BASE_URL", stub.url)
        patch.setenv("OPENAI_API_KEY", "secret-key")
        everything = files.GOOD | BROKEN
        seconds = [6.0 if name == "hangs" else 60.0 for name in everything]
        found = pool.map(
            lambda source, most: checking.probe(source, {"llm_model": "stub"}, seconds=most),
            everything.values(),
            seconds,
        )
        return dict(zip(everything, found, strict=True))


@pytest.mark.parametrize("name", files.GOOD)
def test_a_good_agent_gives_no_finding(seen, name):
    assert checking.read(files.GOOD[name]) == ()
    assert [str(one.what) for one in seen[name].findings] == []


def test_the_kind_and_streaming_are_recognised(seen):
    facts = {name: (seen[name].kind, seen[name].streams) for name in files.GOOD}
    assert facts["a streaming ResponsesAgent"] == ("ResponsesAgent", True)
    assert facts["a ResponsesAgent"] == ("ResponsesAgent", False)
    assert facts["a streaming ChatAgent"] == ("ChatAgent", True)
    assert facts["a function"] == facts["a typed PythonModel"] == ("PythonModel", False)


@pytest.mark.parametrize(
    ("name", "what", "mend", "blocking", "line"),
    [
        (
            "wrong schema",
            "Its answer is not a valid ResponsesAgentResponse (type str).",
            "Return ResponsesAgentResponse(output=[self.create_text_output_item(text=…, id=…)]).",
            True,
            None,
        ),
        (
            "hangs",
            "It hung at the first question: after 6 seconds it was still in predict.",
            "Give every call to the outside a time limit, for example OpenAI(timeout=30), and end every loop.",
            True,
            11,
        ),
        (
            "ends the process",
            "It ended its own process at the first question. Its last words: “bye”",
            "Take out what ends the process, for example os._exit, or a native library that crashes.",
            True,
            None,
        ),
        (
            "no end",
            "Its stream never says that the answer is complete.",
            'Yield at the end: ResponsesAgentStreamEvent(type="response.output_item.done", '
            "item=self.create_text_output_item(text=whole, id=item_id)).",
            True,
            None,
        ),
        (
            "other ids",
            "Pieces of its stream carry an id that the complete answer does not have.",
            "Make one id before the first piece, and use it for every piece and for the complete answer.",
            True,
            None,
        ),
        (
            "other text",
            "The complete answer at the end of its stream is not the text of its pieces.",
            "Collect the pieces and put exactly their text into response.output_item.done.",
            True,
            None,
        ),
        (
            "empty input",
            "A request without a message fails with “IndexError: list index out of range”.",
            "Look whether there is a message first, and answer with a plain sentence.",
            False,
            11,
        ),
        (
            "same id",
            "Several answers carry the same id.",
            'Make a new id for every answer: id=f"msg_{uuid.uuid4().hex}".',
            False,
            None,
        ),
        (
            "chat fails",
            "Its first answer failed with “ValueError: no more …”.",
            "Mend that line; the question was “Hello, who are you?”.",
            True,
            10,
        ),
        (
            "chat ids",
            "Every piece of its stream carries another id.",
            "Make one id before the first piece, and use it for every piece of the same message.",
            True,
            None,
        ),
        (
            "text type",
            "Its answer is not a valid list[str] (type int).",
            "Return what the type hint promises, or correct the hint.",
            True,
            None,
        ),
        (
            "text fails",
            "Its first answer failed with “TypeError: str.upper() takes no arguments (1 given)”.",
            "Mend that line; the question was “Hello, who are you?”.",
            True,
            7,
        ),
        (
            "not an agent",
            "set_model was given an object that is not an agent.",
            "Give it an object of such a class: MyAgent(), with the brackets.",
            True,
            8,
        ),
        (
            "top of the file",
            "Loading the file failed with “ZeroDivisionError: division by zero”.",
            "Mend that line. Calls to the outside belong into predict, not at the top of the file.",
            True,
            4,
        ),
    ],
)
def test_a_broken_agent_is_told_what_to_mend(seen, name, what, mend, blocking, line):
    (found,) = seen[name].findings
    assert (str(found.what), str(found.mend), found.blocking, found.line) == (what, mend, blocking, line)


def test_a_chat_message_without_an_id_is_refused(seen):
    (found,) = seen["chat schema"].findings
    assert found.blocking and "id" in str(found.what)


def test_an_agent_without_a_workspace_is_told_to_connect_one(seen):
    (found,) = seen["no workspace"].findings
    assert str(found.what).startswith("Its sign-in to Databricks failed: “ValueError: ") and found.blocking
    assert str(found.mend) == (
        "The file itself may be right. Log it in a console that is connected to its workspace, or connect this one, "
        "as the Connection screen says."
    )
    report = Report("ResponsesAgent", True, (found,))
    assert str(report.tried) == "The file was read and run by itself as a ResponsesAgent."


def test_an_index_asked_by_the_sdk_is_held_against_what_is_declared():
    source = swapped(
        files.RESPONSES,
        RESPONSES_BODY,
        "        found = client.vector_search_indexes.query_index('main.support.faq', ['text'])\n" + RESPONSES_BODY,
    )
    (found,) = checking.read(source)
    assert str(found.what) == "The file uses “main.support.faq” (Vector index), which is not declared."
    assert checking.read(source, declared=["vector_search_index:main.support.faq"]) == ()


def test_a_leak_between_conversations_blocks(seen):
    (found,) = seen["leaks"].findings
    assert found.blocking
    assert str(found.what).startswith("What one conversation said came up in the answer to another")


def read(source, **more):
    return [(str(one.what), one.blocking, one.line) for one in checking.read(source, **more)]


def test_what_is_not_python_names_the_line():
    assert read("import mlflow\n\ndef f(:\n") == [("The file is not Python: invalid syntax.", True, 3)]
    assert read("a = '\0'")[0][1:] == (True, None)
    assert "nested too deeply" in read("(" * 100_000)[0][0] or "too many nested" in read("(" * 100_000)[0][0]


def test_a_file_without_set_model_is_blocked():
    source = swapped(files.TEXTS, "mlflow.models.set_model(Agent())", "Agent()")
    assert read(source) == [("The file does not say which object is the agent.", True, None)]


def test_set_model_counts_however_it_is_imported():
    source = swapped(files.TEXTS, "mlflow.models.set_model(", "chosen(")
    assert read("from mlflow.models import set_model as chosen\n" + source) == []


@pytest.mark.parametrize(
    "line",
    [
        'openai.api_key = "sk-abcdefghijklmnop1234"',
        "# dapi0123456789abcdef0123456789abcdef",
        'client = openai.OpenAI(api_key="b7f3a9c2e1d84f56")',
        'settings = {"password": "correct-horse-9-battery"}',
        'GITHUB_TOKEN = "q9w8e7r6t5y4u3i2o1"',
    ],
)
def test_a_written_key_is_found_and_not_repeated(line):
    (found,) = checking.read(f"import openai\n{line}\n{files.TEXTS}")
    assert (str(found.what), found.blocking, found.line) == ("A key or password is written in the file.", True, 2)
    assert "sk-" not in str(found.to_json()) and "dapi0" not in str(found.to_json())


@pytest.mark.parametrize(
    "line",
    [
        'key = os.environ["OPENAI_API_KEY"]',
        'secret = "{{secrets/team/openai}}"',
        'openai.OpenAI(api_key=os.environ["MY_TOKEN"])',
        'SECRET = "OPENAI_API_KEY_NAME"',
    ],
)
def test_a_key_from_elsewhere_is_no_finding(line):
    assert read(f"import os\nimport openai\n{line}\n{files.TEXTS}") == []


@pytest.mark.parametrize(
    ("old", "new", "what", "blocking"),
    [
        ("    def predict(self", "    @mlflow.trace\n    def predict(self", "predict carries @mlflow.trace.", False),
        (
            RESPONSES_BODY,
            '        mlflow.genai.load_prompt("prompts:/greeting@latest")\n' + RESPONSES_BODY,
            "A prompt is loaded with @latest.",
            False,
        ),
        (
            RESPONSES_BODY,
            "        self.turns = request.input\n" + RESPONSES_BODY,
            "self.turns changes while a question is answered.",
            False,
        ),
        (
            RESPONSES_BODY,
            "        global LAST\n        LAST = request\n" + RESPONSES_BODY,
            "LAST changes while a question is answered.",
            False,
        ),
        (
            RESPONSES_BODY,
            "        import asyncio\n        asyncio.run(work())\n" + RESPONSES_BODY,
            "The file runs an event loop of its own with asyncio.run.",
            False,
        ),
        (
            "    def predict(self",
            "    def __init__(self):\n        self.who = ModelServingUserCredentials()\n\n    def predict(self",
            "Credentials of the person who asks are made before anyone asks.",
            True,
        ),
        (
            RESPONSES_BODY,
            '        try:\n            mlflow.genai.load_prompt("prompts:/greeting@production")\n'
            '        except Exception:\n            prompt = "You are kind."\n' + RESPONSES_BODY,
            "When the prompt cannot be loaded, the agent goes on without it.",
            False,
        ),
        (
            "import mlflow\n",
            "import mlflow\nimport left_pad_of_nobody.core\n",
            "left_pad_of_nobody is not among the packages that are logged with the agent.",
            True,
        ),
        (
            "import mlflow\n",
            "import mlflow\nimport streamlit\n",
            "streamlit is not among the packages that are logged with the agent.",
            True,
        ),
    ],
)
def test_every_trap_in_the_code_is_named(old, new, what, blocking):
    found = read(swapped(files.RESPONSES, old, new))
    assert [one[:2] for one in found] == [(what, blocking)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (RESPONSES_BODY, "        who = ModelServingUserCredentials()\n" + RESPONSES_BODY),
        (
            RESPONSES_BODY,
            '        try:\n            mlflow.genai.load_prompt("prompts:/greeting@production")\n'
            "        except Exception as error:\n            raise RuntimeError('no prompt') from error\n"
            + RESPONSES_BODY,
        ),
        (RESPONSES_BODY, "        heard = []\n        heard.append(request)\n" + RESPONSES_BODY),
        ("import mlflow\n", "import mlflow\nimport pandas, pydantic, requests, json\n"),
    ],
)
def test_the_right_way_is_no_finding(old, new):
    assert read(swapped(files.RESPONSES, old, new)) == []


def test_requirements_that_were_given_count():
    source = swapped(files.RESPONSES, "import mlflow\n", "import mlflow\nimport streamlit\n")
    assert read(source, requirements={"mlflow==3.1", "streamlit==1.40"}) == []


@pytest.mark.parametrize(
    ("line", "named", "resource"),
    [
        ('ChatDatabricks(endpoint="claude")', "claude” (Serving endpoint", "serving_endpoint:claude"),
        ('WorkspaceClient().serving_endpoints.query(name="bge")', "bge” (Serving endpoint", "serving_endpoint:bge"),
        ('VectorSearchRetrieverTool(index_name="a.b.c")', "a.b.c” (Vector index", "vector_search_index:a.b.c"),
        ('UCFunctionToolkit(function_names=["a.b.f"])', "a.b.f” (Unity Catalog function", "function:a.b.f"),
        ('w.statement_execution.execute_statement("x", warehouse_id="w1")', "w1” (SQL warehouse", "sql_warehouse:w1"),
        (
            'DatabricksOpenAI().chat.completions.create(model="claude", messages=[])',
            "claude” (Serving endpoint",
            "serving_endpoint:claude",
        ),
        ('GenieAgent("g1")', "g1” (Genie space", "genie_space:g1"),
        ('CheckpointSaver(instance_name="memory")', "memory” (Lakebase database", "lakebase:memory"),
    ],
)
def test_an_undeclared_resource_is_blocked_until_declared(line, named, resource):
    source = f"{files.RESPONSES}{line}\n"
    assert [one[:2] for one in read(source)] == [(f"The file uses “{named}), which is not declared.", True)]
    assert read(source, declared={resource}) == []


def test_a_resource_named_elsewhere_needs_one_of_its_kind():
    source = f"{files.RESPONSES}ChatDatabricks(endpoint=chosen())\n"
    assert [one[1] for one in read(source)] == [True]
    assert read(source, declared={"serving_endpoint:any"}) == []


def test_the_job_reads_and_runs_the_built_in_agent(model, workspace, finish):
    prompts.save(workspace, "greeting", "Greet for {{company_name}}.", "first")
    config = {"prompt_name": "greeting", "prompt_version": "1", "llm_model": "stub"}
    ended = finish(workspace, checking.submit(workspace, BUILT_IN.read_text("utf-8"), config))
    assert ended.state is State.DONE, ended.error
    report = Report.from_json(ended.result)
    assert [str(one.what) for one in report.findings] == []
    assert (report.kind, report.streams, report.blocked) == ("ResponsesAgent", True, False)
    assert "streamed answer" in str(report.tried)
    assert len(workspace.client.search_traces(locations=[workspace.app.experiment_id])) == 0


def test_a_model_that_is_away_is_not_the_agents_fault(model, workspace, finish):
    model.status = 500
    ended = finish(workspace, checking.submit(workspace, files.CHAT_PROMPT, {"llm_model": "stub"}))
    (found,) = Report.from_json(ended.result).findings
    assert str(found.what).startswith("The model that the agent asks did not answer: “InternalServerError")


def test_the_file_does_not_see_the_console(workspace, finish, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_MAIL_PASSWORD", "very-secret")
    looks = "import os\nprint(sorted(os.environ), flush=True)\nimport services\n"
    ended = finish(workspace, checking.submit(workspace, looks + files.TEXTS))
    told = [str(one.what) for one in Report.from_json(ended.result).findings]
    assert told == ["services is not among the packages that are logged with the agent."]


def test_a_file_that_cannot_run_is_only_read(workspace, finish):
    ended = finish(workspace, checking.submit(workspace, "def f(:\n"))
    report = Report.from_json(ended.result)
    assert report.blocked and str(report.tried) == "The file was read; it was not run."


def test_cancelling_ends_what_the_file_started(tmp_path):
    pid = tmp_path / "pid"
    source = f"import subprocess, time\np = subprocess.Popen(['sleep', '300'])\nopen({str(pid)!r}, 'w').write(str(p.pid))\ntime.sleep(300)\n"

    class Enough(BaseException):
        pass

    def still_wanted():
        if pid.exists() and pid.read_text():
            raise Enough

    with pytest.raises(Enough):
        checking.probe(source, still_wanted=still_wanted)
    end = time.monotonic() + 5
    while alive(int(pid.read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_job_leaves_nothing_running(tmp_path):
    pid = tmp_path / "pid"
    source = f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(300)\n"
    asks = f"from services.agents.checking.probe import probe\nprobe({source!r})\n"
    job = subprocess.Popen([sys.executable, "-c", asks])
    end = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()):
        assert time.monotonic() < end and job.poll() is None
        time.sleep(0.05)
    job.kill()
    job.wait()
    while alive(int(pid.read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_too_large_a_file_is_refused_at_once(workspace):
    with pytest.raises(InvalidInputError):
        checking.submit(workspace, "#" * 1_000_001)


def test_a_finding_survives_storage():
    found = Finding(Message("A {kind}", kind=Message("b")), Message("c"), Message("d"), True, 3)
    assert Finding.from_json(found.to_json()) == found
    assert render(found.what, "en") == "A b"


def test_a_form_is_checked_with_what_it_would_log(model, workspace, finish):
    reads = (
        swapped(files.CHAT_PROMPT, 'development_config={"llm_model": "stub"}', "development_config={}")
        + 'ChatDatabricks(endpoint="claude") if False else None\n'
    )
    form = AgentForm("a", "greeting", 2, pinned=False, llm_model="stub", source=reads)
    job = checking.submit_form(workspace, form)
    assert job.args["config"]["prompt_version"] == "2" and job.args["config"]["llm_model"] == "stub"
    (found,) = Report.from_json(finish(workspace, job).result).findings
    assert str(found.what) == "The file uses “claude” (Serving endpoint), which is not declared."
    declared = checking.submit_form(workspace, replace(form, resources=[["serving_endpoint", "claude"]]))
    assert declared.args["declared"] == ["serving_endpoint:claude"]
    reached = checking.submit_form(workspace, replace(form, user_scopes=["serving.serving-endpoints"]))
    assert reached.args["declared"] == ["serving_endpoint:*"]


def test_only_who_may_log_agents_may_check_them(workspace):
    viewer = replace(workspace, actor=replace(workspace.actor, roles=frozenset({Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        checking.submit(viewer, files.TEXTS)


def test_what_the_file_writes_into_our_notes_is_not_trusted():
    assert told.finding({"code": ["ask"], "values": {}}) is None


@pytest.mark.parametrize(
    "line",
    ['KEY = "sk-abcdefghijklmnop1234"', 'api_key = "a1b2c3d4e5f6g7h8"', "def broken(: # ghp_" + "a1" * 18],
)
def test_a_file_with_a_key_never_reaches_a_job(workspace, line):
    source = f"import mlflow\n{line}\n{files.TEXTS}"
    with pytest.raises(InvalidInputError, match=r"A key or password is written in line 2 of agent.py."):
        checking.submit(workspace, source)
    assert jobs.recent(workspace, "check_agent", 5) == []


def test_a_file_with_a_key_is_told_by_its_own_name(workspace):
    source = f'import mlflow\napi_key = "a1b2c3d4e5f6g7h8"\n{files.TEXTS}'
    form = AgentForm("agent", "", None, False, "", source=source, source_name="bot.py")
    for refused in (checking.submit_form, agents.log):
        with pytest.raises(InvalidInputError, match=r"in line 2 of bot.py."):
            refused(workspace, form)


def test_every_key_that_a_check_knows_is_taken_out_of_texts():
    known = ["AKIAABCDEFGHIJKLMNOP", "hf_" + "a" * 32, "ghp_" + "b" * 36, "-----BEGIN PRIVATE KEY-----\nabc\n"]
    assert masked("".join(f"<{one}>" for one in known[:3])) == "<…><…><…>"
    assert "abc" not in masked(known[3])


def test_a_python_that_the_target_is_not_known_to_serve_is_told_with_a_remedy():
    (finding,) = unserved_python(("3.10", "3.11", "3.12"), "3.13.1")
    assert not finding.blocking and "known to be served are: 3.10, 3.11, 3.12" in str(finding.what)
    assert "Run the console on one of these" in str(finding.mend)
    assert not [*unserved_python(("3.10", "3.11", "3.12"), "3.11.9"), *unserved_python((), "3.13.1")]


ASKS_AT_RUN_TIME = swapped(
    swapped(files.RESPONSES, "import uuid", "import uuid\n\nimport httpx\nimport httpx2\nimport requests"),
    RESPONSES_BODY,
    """        place = "http://127.0.0.1:9"
        for ask in (
            lambda: httpx.post(f"{place}/serving-endpoints/{'-'.join(('our', 'model'))}/invocations", json={}),
            lambda: httpx2.post(f"{place}/serving-endpoints/chat/completions", json={"model": "known"}),
            lambda: requests.post(f"{place}/api/2.0/sql/statements", json={"warehouse_id": "w1"}, timeout=5),
            lambda: requests.get(f"{place}/api/2.0/mlflow/experiments/get", timeout=5),
        ):
            try:
                ask()
            except Exception:
                pass
"""
    + RESPONSES_BODY,
)


def test_what_it_asks_while_it_is_tried_is_held_against_what_it_declares(workspace, finish):
    job = checking.submit(
        workspace,
        ASKS_AT_RUN_TIME,
        declared=["serving_endpoint:known"],
        requirements=["mlflow", "httpx", "httpx2", "requests"],
    )
    report = Report.from_json(finish(workspace, job).result)
    assert [(str(one.what), one.blocking) for one in report.findings] == [
        ("While it was tried it asked “our-model” (Serving endpoint), which is not declared.", True),
        ("While it was tried it asked “w1” (SQL warehouse), which is not declared.", True),
    ]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://w/serving-endpoints/chat/served-models/chat-1/invocations", ("serving_endpoint", "chat")),
        ("https://w/api/2.0/vector-search/indexes/main.a.docs/query", ("vector_search_index", "main.a.docs")),
        ("https://w/api/2.0/genie/spaces/01ef/start-conversation", ("genie_space", "01ef")),
        ("https://w/api/2.0/mcp/genie/01ef", ("genie_space", "01ef")),
        ("https://w/api/2.0/mcp/external/jira", ("uc_connection", "jira")),
        ("https://claims-123.aws.databricksapps.com/api", ("app", "claims")),
        ("https://api.openai.com/v1/chat/completions", None),
        ("https://w/serving-endpoints/embeddings", None),
    ],
)
def test_an_address_tells_which_resource_is_asked(url, found):
    assert calls.resource(url, b"no json") == found
