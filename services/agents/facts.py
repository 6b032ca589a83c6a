"""What an agent version was logged with, in words: the same facts where one is shown and where two are compared."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow.models import Model

from services.agents import resources, servers, shipping
from services.agents.config_files import APIS
from services.agents.records import AgentVersion
from services.errors import translated
from services.messages import Message, mark

if TYPE_CHECKING:
    from services.workspace import Workspace

# A name of ours is a message; what somebody else named (a constant, a tag) stays as they wrote it.
Facts = dict[Message | str, Any]

# The console's own settings by their name in the model config, in the order of the form.
NAMES = {
    "app_version": mark("Version identifier"),
    "prompt_name": mark("Prompt"),
    "pinned_version": mark("Pinned prompt version"),
    "prompt_version": mark("Prompt version that its code loads"),
    "prompt_alias": mark("Alias by which it loads its prompt"),
    "prompt_cache_seconds": mark("Seconds until a moved prompt answers"),
    "llm_model": mark("Model"),
    "llm_api": mark("How it asks the model"),
    "temperature": mark("Temperature"),
    "max_output_tokens": mark("Most tokens of an answer"),
    "environment": mark("Environment"),
    "company_name": mark("Company"),
}
API_NAMES = {APIS[0]: "Chat Completions", APIS[1]: "Responses"}
TOLD_APART = {"constants", "documents", "documents_shown", shipping.TOOLS, shipping.SERVERS}
OF_LINKS = {"author", "app_version", "model_version", "prompt_name", "prompt_alias", "prompt_uri"}
OF_OTHERS = ("mlflow.", "signalbox.")


def facts(workspace: "Workspace", agent: AgentVersion) -> Facts:
    """Everything of a version that is ready but its packages and code; raises ConsoleError when files are missing."""
    with translated(Message("Reading the agents"), foreign=True):
        files = Model.load(f"models:/{agent.model_id}")
        tags = workspace.client.get_logged_model(agent.model_id).tags
    found: Facts = {
        **settings(agent),
        **_reached(files.resources, mark("It may use: {kind}")),
        **_of_policy(files.auth_policy or {}),
        **{Message("Tag {name}", name=name): value for name, value in _own(tags).items()},
        Message("Python"): agent.python,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def settings(agent: AgentVersion) -> Facts:
    """The model config, constant by constant and tool by tool; what is empty there is left out."""
    # One that was logged before there was a choice asked in the way that was usual then.
    config = {"llm_api": APIS[0], **agent.config} if agent.llm_model else agent.config
    own = {name: config[name] for name in NAMES if name in config}
    own["llm_api"] = API_NAMES.get(str(own.get("llm_api")), own.get("llm_api"))
    constants = config.get("constants")
    told: Facts = {
        **{Message(NAMES[name]): value for name, value in own.items()},
        Message("Prompt version that it was logged with"): agent.linked,
        **{name: value for name, value in config.items() if name not in NAMES and name not in TOLD_APART},
        # The same constants stand in the config by their own names too.
        **(constants if isinstance(constants, dict) else {}),
        Message("Documents"): _documents(config.get("documents")),
        **_tools(agent),
    }
    return {name: value for name, value in told.items() if value not in ("", None, {}, [])}


def _tools(agent: AgentVersion) -> Facts:
    first = {one["name"]: next(iter(str(one.get("description", "")).splitlines()), "") for one in agent.tools}
    tools: Facts = {
        Message("Tool {name}", name=one["name"]): Message("{name} (after a yes)", name=first[one["name"]])
        if one["asks"]
        else first[one["name"]]
        for one in agent.tools
    }
    reached: Facts = {Message("MCP server {name}", name=one["name"]): servers.told(one) for one in agent.servers}
    return {**tools, **reached}


def _documents(told: Any) -> Any:
    """Their name and number, and a few letters of their content: two files may have as many."""
    if not isinstance(told, dict) or not {"name", "count", "sha256"} <= told.keys():
        return told
    return Message(
        "{name}: {n} {n:document|documents} (content {digest})",
        name=told["name"],
        n=told["count"],
        digest=str(told["sha256"])[:8],
    )


def _reached(declared: Any, title: str) -> Facts:
    """Resources by kind, as MLflow keeps them in the model's files."""
    found = (declared or {}).get("databricks") or {}
    return {
        Message(title, kind=_kind(kind)): ", ".join(str(one.get("name", one)) for one in listed)
        for kind, listed in found.items()
    }


def _of_policy(policy: Mapping[str, Any]) -> Facts:
    scopes = (policy.get("user_auth_policy") or {}).get("api_scopes") or []
    with_own = (policy.get("system_auth_policy") or {}).get("resources")
    return {
        Message("With the rights of the person who asks"): ", ".join(scopes),
        **_reached(with_own, mark("With its own rights: {kind}")),
    }


def _kind(name: str) -> Message | str:
    known = resources.KINDS.get(name)
    return Message(known.title) if known else name


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: tags[name] for name in sorted(tags) if name not in OF_LINKS and not name.startswith(OF_OTHERS)}
