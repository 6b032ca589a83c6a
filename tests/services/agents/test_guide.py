"""A function that asks a chat model becomes an agent's file that passes the check."""

import pytest

from services.agents import checking
from services.agents.checking.guide import as_agent
from tests.services.agents import agent_files as files
from tests.stub_model import stub_model

FUNCTION = '''"""Answers customers."""

from __future__ import annotations

import openai

client = openai.OpenAI(timeout=20)


def ask(question, tone="kind"):
    made = client.chat.completions.create(
        model="stub", messages=[{"role": "system", "content": f"Be {tone}."}, {"role": "user", "content": question}]
    )
    return made.choices[0].message.content
'''
WHOLE = """import openai


def complete(messages):
    return openai.OpenAI(timeout=20).chat.completions.create(model="stub", messages=messages)
"""

AWAITED = """import openai


async def chat(messages):
    async with openai.AsyncOpenAI(timeout=20) as client:
        return await client.chat.completions.create(model="stub", messages=messages)


print("loaded as a script")
"""


@pytest.mark.parametrize("source", [FUNCTION, WHOLE, AWAITED], ids=["a question", "a conversation", "awaited"])
def test_a_converted_file_passes_the_check(source, monkeypatch):
    converted = as_agent(source)
    assert checking.read(converted) == ()
    with stub_model() as stub:
        stub.answer = lambda system, question: f"Gladly: {question}"
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
        seen = checking.probe(converted)
        asked = [request["messages"][-1]["content"] for request in stub.requests]
    assert ([str(one.what) for one in seen.findings], seen.kind) == ([], "ResponsesAgent")
    assert asked[0] == "Hello, who are you?"


@pytest.mark.parametrize("source", ["def f(:", "x = 1\n", "def ask():\n    return 1\n", files.CHAT_PROMPT])
def test_what_cannot_be_converted_is_left_alone(source):
    assert as_agent(source) is None
