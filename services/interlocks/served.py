"""Interlock on the way in which an environment serves, and the agents that fit it."""

from services.interlocks.facts import Candidate, Finding, Interlock
from services.messages import Message

SERVED = Interlock(
    20,
    Message("Way of serving"),
    Message("What a platform cannot serve, or the console cannot ask there, fails after it was deployed."),
)


def can_be_served(candidate: Candidate) -> Finding:
    """20: the environment's way of serving takes this kind of agent, and the console can ask it there."""
    refused = candidate.workspace.platform.serving.refuses(candidate.workspace, candidate.agent.kind)
    if refused is not None:
        return SERVED.red(*refused, "apps", candidate.surroundings)
    return SERVED.green(Message("This kind of agent is served here: {kind}.", kind=candidate.agent.kind.value))
