"""The tools of the built-in agent: read from a file, logged with it, and asked for in a try."""

import pytest
from sqlalchemy import update

from services import agents, audit, database, jobs, prompts
from services.agents import AgentForm, tools
from services.errors import InvalidInputError
from services.jobs import State

FILE = '''
from typing import Literal, Optional

def find(words: list[str], place: Literal["shop", "web"] = "shop", most: Optional[int] = None) -> str:
    """Find orders.

    words: what to look for
    """
    return ", ".join(words)

def refund(order: str, full: bool) -> str:
    """Pay an order back."""
    return f"paid back {order}"

def _helper(x):
    return x
'''


def test_a_function_is_declared_by_its_name_hints_and_docstring():
    find, refund = tools.read(FILE, asked=["refund"])
    assert (find.name, find.says, find.asks, refund.asks) == ("find", "Find orders.", False, True)
    assert find.parameters == {
        "type": "object",
        "properties": {
            "words": {"type": "array", "items": {"type": "string"}, "description": "what to look for"},
            "place": {"type": "string", "enum": ["shop", "web"]},
            "most": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["words"],
        "additionalProperties": False,
    }
    assert refund.parameters["required"] == ["order", "full"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(:", "Line 1 of the file with tools is not Python"),
        ("x = 1", "There is no tool in the file"),
        ("def f(a: str):\n    return a", "it has no docstring"),
        ("def f(a):\n    'Does.'", "the type of its parameter “a” is not known"),
        ("def f(a: dict[str, int]):\n    'Does.'", "the type of its parameter “a” is not known"),
        ("def f(a: 'list['):\n    'Does.'", "the type of its parameter “a” is not known"),
        ("def f(*a: str):\n    'Does.'", "its parameters cannot be listed"),
        ("async def f(a: str):\n    'Does.'", "it is written with async def"),
        ("def f():\n    'Does.'\ndef f():\n    'Too.'", "have the same name"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_with_its_reason(source, told):
    with pytest.raises(InvalidInputError, match=told):
        tools.read(source)


def test_tools_are_logged_by_form_and_wait_for_a_yes_in_a_try(model, workspace, finish):
    prompts.save(workspace, "greeting", "Be kind.", "first")
    form = AgentForm("helper", "greeting", 1, True, "stub", llm_api="responses", tools=FILE, asking_tools=("refund",))
    logged = finish(workspace, agents.log(workspace, form))
    assert logged.state is State.DONE, logged.error
    agent = agents.get(workspace, logged.result["model_id"])
    assert [(one["name"], one["asks"]) for one in agent.tools] == [("find", False), ("refund", True)]
    assert (agent.pinned, agent.pinned_number, agent.prompt_alias) == (1, None, "release_1")
    assert agent.config["llm_api"] == "responses"

    model.tool_calls = [[("find", '{"words": ["red", "cup"]}'), ("refund", '{"order": "A1", "full": true}')]]
    tried = finish(workspace, agents.try_out(workspace, agent.model_id, None, "Pay A1 back"))
    assert tried.state is State.DONE, tried.error
    assert [(one["name"], one["output"], one["asks"]) for one in tried.result["steps"]] == [
        ("find", "red, cup", False),
        ("refund", None, True),
    ]
    ended = finish(workspace, agents.go_on(workspace, tried, True))
    assert ended.state is State.DONE, ended.error
    assert ended.result["answer"] == "Be kind. | paid back A1"
    decided = next(one for one in audit.events(workspace) if one.after and "tools" in str(one.after))
    assert decided.after == {"allowed": True, "tools": ["refund"]}

    asked = len(model.requests)
    again = jobs.submit(workspace, "try_agent", ended.args)
    with database.writing(workspace.engine) as connection:
        connection.execute(update(database.job).where(database.job.c.id == again.id).values(checkpoint={"asked": True}))
    interrupted = finish(workspace, again)
    assert "whether the tool ran is not known" in str(interrupted.error) and len(model.requests) == asked


def test_a_file_with_a_key_and_an_unknown_tool_are_refused_before_anything_is_kept(model, workspace):
    prompts.save(workspace, "greeting", "Be kind.", "first")
    key = FILE + '\nKEY = "sk-proj-abcdefghijklmnopqrstuvwxyz123456"\n'
    for changes, told in (
        ({"tools": key}, "A key or password is written in line"),
        ({"tools": FILE, "asking_tools": ("pay",)}, "There is no tool “pay”"),
        ({"tools": FILE, "source": "import mlflow\nmlflow.models.set_model(1)"}, "is for the built-in agent"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            agents.log(workspace, AgentForm("helper", "greeting", 1, False, "stub", **changes))
