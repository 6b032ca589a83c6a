"""What answers people, in words: an agent version with its prompt version, or one that asks no prompt."""

from pages.components import session
from services.releases import Pair

_ = session.text


def told(pair: Pair) -> str:
    """For the middle of a sentence."""
    if pair.model_id is None:
        return _("nothing")
    if pair.prompt_version is None:
        return _("agent version {agent} without a prompt", agent=pair.agent_version or "–")
    return _(
        "prompt version {prompt} with agent version {agent}",
        prompt=pair.prompt_version,
        agent=pair.agent_version or "–",
    )
