"""How what the form gives beside the prompt gets into the logged agent: documents, tools, and the modules they need.

Documents are kept beside the console until the job has logged them.
"""

import hashlib
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services import audit
from services.agents import documents
from services.agents.documents import Documents
from services.agents.tools import Tool
from services.audit import Verb
from services.errors import InvalidInputError, NotFoundError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

LOGGED = Path(__file__).parent.parent / "logged"
SEARCH, RUN, RESPONSES, MCP = (LOGGED / f"signalbox_{name}.py" for name in ("retrieval", "tools", "responses", "mcp"))
ARTIFACT, TOOLS, SERVERS = "documents", "tools", "mcp_servers"
KEPT_SECONDS = 7 * 24 * 3600


def keep(workspace: "Workspace", chosen: Documents) -> dict[str, Any]:
    """Keep the documents for the job that logs the agent; returns what the form says of them, plain data."""
    audit.require(workspace, Verb.LOG_AGENT)
    written = chosen.written.encode()
    if len(written) > 2 * documents.LARGEST:
        raise InvalidInputError(
            Message("The documents are too large together."), Message("Choose fewer columns or a smaller file.")
        )
    digest = hashlib.sha256(written).hexdigest()
    with translated(Message("Keeping the documents")):
        folder = _folder(workspace)
        folder.mkdir(parents=True, exist_ok=True)
        _forget_old(folder)
        # Whoever reads it at this moment, for another agent with the same documents, reads it whole.
        arriving = folder / f"{digest}.{uuid.uuid4().hex}"
        arriving.write_bytes(written)
        arriving.replace(folder / f"{digest}.jsonl")
    return {**documents.schema(chosen.columns), "sha256": digest, "count": len(chosen.rows)}


def load_api(arguments: dict[str, Any]) -> None:
    """Add what asks the model by the Responses API to the arguments of `log_model`; nothing for Chat Completions."""
    if arguments["model_config"].get("llm_api") == "responses":
        _ship(RESPONSES, arguments)


def load_tools(
    folder: Path,
    source: str,
    found: Sequence[Tool],
    arguments: dict[str, Any],
    servers: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the tools into `folder`, and add them and what runs them to the arguments of `log_model`.

    `found` are those of the file `source` and of the MCP `servers`; nothing is added without any.
    """
    if not found:
        return
    arguments["model_config"] = {**arguments["model_config"], TOOLS: [asdict(one) for one in found]}
    if source:
        file = folder / "tools.py"
        file.write_text(source, "utf-8")
        arguments["artifacts"] = {**arguments.get("artifacts", {}), TOOLS: str(file)}
    if servers:
        arguments["model_config"][SERVERS] = [dict(one) for one in servers]
        _ship(MCP, arguments)
    _ship(RUN, arguments)


def load(workspace: "Workspace", kept: Mapping[str, Any] | None, arguments: dict[str, Any]) -> None:
    """Add the documents and what searches them to the arguments of MLflow's `log_model`; nothing without documents."""
    if not kept:
        return
    file = file_of(workspace, kept)
    arguments["model_config"] = {**arguments["model_config"], ARTIFACT: dict(kept)}
    arguments["artifacts"] = {**arguments.get("artifacts", {}), ARTIFACT: str(file)}
    _ship(SEARCH, arguments)


def file_of(workspace: "Workspace", kept: Mapping[str, Any]) -> Path:
    """The documents that wait; raises NotFoundError."""
    file = _folder(workspace) / f"{kept['sha256']}.jsonl"
    if not file.exists():
        raise NotFoundError(
            Message("The documents for this agent are no longer there."),
            Message("Log the agent again and choose the file once more."),
        )
    return file


def variables(config: Mapping[str, Any]) -> frozenset[str]:
    """What an agent of this config fills into its prompt because it has documents."""
    return frozenset({ARTIFACT}) if config.get(ARTIFACT) else frozenset()


def _ship(module: Path, arguments: dict[str, Any]) -> None:
    """Lay one of our modules beside the agent, from where it imports it by its own name."""
    # MLflow asks the agent while it logs it, before the module lies beside it.
    if str(LOGGED) not in sys.path:
        sys.path.append(str(LOGGED))
    arguments["code_paths"] = [*arguments.get("code_paths", []), str(module)]


def _folder(workspace: "Workspace") -> Path:
    return workspace.settings.home / "documents"


def _forget_old(folder: Path) -> None:
    """Logged documents live in the agent's own files; what waits here for a week waits for nothing."""
    for file in folder.glob("*.jsonl"):
        if time.time() - file.stat().st_mtime > KEPT_SECONDS:
            file.unlink(missing_ok=True)
