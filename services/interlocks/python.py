"""Interlock on the Python that an agent was logged with, and the one that serves it."""

from services.interlocks.facts import Candidate, Finding, Interlock
from services.messages import Message

PYTHON = Interlock(
    18,
    Message("Python"),
    Message("Code that runs in one version of Python may fail in another, or find no packages for it."),
)


def python_served(candidate: Candidate) -> Finding:
    """18: the platform is known to serve the Python that the agent was logged with."""
    logged, known = candidate.agent.python, candidate.workspace.platform.serving.rules.pythons
    if not logged:
        return PYTHON.amber(
            Message("It is not known which Python the agent was logged with."),
            Message("Log the agent again on the Agents screen."),
            "agents",
        )
    if not known or minor(logged) in known:
        return PYTHON.green(Message("Logged with Python {version}, which is served here.", version=logged))
    return PYTHON.amber(
        Message(
            "Logged with Python {version}; known to be served here: {known}.", version=logged, known=", ".join(known)
        ),
        Message("Log the agent again with a console that runs on one of these."),
        "agents",
    )


def minor(version: str) -> str:
    """3.11 of 3.11.9."""
    return ".".join(version.split(".")[:2])
