"""Interlock on the way to production: what goes there was proven in staging first, where the app asks for it."""

from services.interlocks.facts import Candidate, Finding, Interlock
from services.messages import Message

STAGED = Interlock(
    19,
    Message("Proven in staging"),
    Message("What was never run outside production meets its first surprise in front of customers."),
)


def proven_in_staging(candidate: Candidate) -> Finding:
    """19: a release to staging of exactly this agent version and prompt version was proven, and not taken back."""
    known = candidate.circumstances
    if not candidate.workspace.app.environment.live:
        return STAGED.not_applicable(Message("It counts for production only."))
    if known.staged is not None:
        return STAGED.green(Message("Release {id} proved exactly this in staging.", id=known.staged))
    if not known.staging_first:
        return STAGED.green(Message("In this app nothing needs to be proven in staging first."))
    return STAGED.red(
        Message("No release to staging has proven exactly this agent version with this prompt version."),
        Message("Release it to staging first; its page then offers to promote it to production."),
        "releases",
        {"environment": "staging"},
    )
