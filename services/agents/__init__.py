"""Agents: log one as a LoggedModel with its prompt, check its links, try it."""

from services.agents.form import AgentForm
from services.agents.logging import log, run
from services.agents.records import AgentVersion, Links, get, of_prompt, registered_name, versions
from services.agents.trying import answer_text, load, run_try, try_out

__all__ = [
    "AgentForm",
    "AgentVersion",
    "Links",
    "answer_text",
    "get",
    "load",
    "log",
    "of_prompt",
    "registered_name",
    "run",
    "run_try",
    "try_out",
    "versions",
]
