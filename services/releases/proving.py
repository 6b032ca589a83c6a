"""What one trace proves: which prompt version answered, and whether its words reached the model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.entities import Trace

from services import prompts, traces
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class PromptUse:
    """The prompt version that an answer was given with; `doubt` says what the trace does not show."""

    version: int | None
    doubt: Message | None


def prompt_use(workspace: "Workspace", trace: Trace, prompt: str) -> PromptUse:
    """Whether the agent loaded that prompt and sent its words to the model, read from the trace of an answer."""
    version = traces.prompt_version(trace, workspace.full_name(prompt))
    if version is None:
        return PromptUse(None, Message("the agent did not load its prompt."))
    template = prompts.version(workspace, prompt, version).source
    if not traces.prompt_seen(trace, template):
        return PromptUse(version, Message("the agent loaded its prompt but did not send it to the model."))
    return PromptUse(version, None)
