"""Whose setting reaches the model: the request's own, then the prompt version's, then the agent's model config."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.prompts.content import ModelSettings

# The registry's name of a setting, and the name of the same setting in an agent's model config.
NAMES = {"model_name": "llm_model", "temperature": "temperature", "max_tokens": "max_output_tokens", "top_p": "top_p"}


@dataclass(frozen=True)
class InForce:
    """One setting as the prompt version and the agent have it; None is not set."""

    name: str
    prompt: Any
    agent: Any

    @property
    def value(self) -> Any:
        """What reaches the model when the request says nothing else."""
        return self.agent if self.prompt is None else self.prompt

    @property
    def overruled(self) -> bool:
        """Whether the agent's own value gives way to another one."""
        return None not in (self.prompt, self.agent) and self.prompt != self.agent


def in_force(settings: ModelSettings, model_config: Mapping[str, Any]) -> tuple[InForce, ...]:
    """Every setting that the prompt version or the agent has, in the order of NAMES."""
    saved = settings.to_json()
    found = (InForce(name, saved.get(name), model_config.get(other)) for name, other in NAMES.items())
    return tuple(one for one in found if one.value is not None)
