"""Agents: log one as a LoggedModel with its prompt, check its links, try it."""

from services.agents.describing import describe
from services.agents.form import AgentForm
from services.agents.leftovers import failed, remove_failed
from services.agents.logging import checked, log, run, said
from services.agents.records import AgentVersion, Links, get, of_prompt, registered_name, versions
from services.agents.trying import ask_on, go_on, load, run_try, try_out

__all__ = [
    "AgentForm",
    "AgentVersion",
    "Links",
    "ask_on",
    "checked",
    "describe",
    "failed",
    "get",
    "go_on",
    "load",
    "log",
    "of_prompt",
    "registered_name",
    "remove_failed",
    "run",
    "run_try",
    "said",
    "try_out",
    "versions",
]
