"""What an agent version that was made elsewhere does against good sense: shown on its page, never refused."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.agents import comparing
from services.agents.checking.findings import Finding
from services.agents.checking.reading import AgentFile
from services.agents.checking.rules import latest_prompt, loads_latest
from services.agents.checking.source import UNREADABLE
from services.agents.records import AgentVersion
from services.errors import ConsoleError

if TYPE_CHECKING:
    from services.workspace import Workspace


def of_prompt(workspace: "Workspace", agent: AgentVersion) -> tuple[Finding, ...]:
    """Where its own code or its config loads a prompt with @latest; nothing for code that cannot be read."""
    try:
        code = comparing.code_of(workspace, agent)
        file = AgentFile(code, ast.parse(code))
    except (ConsoleError, *UNREADABLE):
        file = AgentFile("", ast.parse(""))
    return tuple([*latest_prompt(file), *_in_config(agent)][:1])


def _in_config(agent: AgentVersion) -> Iterator[Finding]:
    texts = (value for value in agent.config.values() if isinstance(value, str))
    if agent.prompt_alias.lower() == "latest" or any(text.strip().lower().endswith("@latest") for text in texts):
        yield loads_latest(None)
