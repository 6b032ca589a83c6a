"""Interlocks on the move itself: the traffic, the way back, who agreed, and that nothing moved meanwhile."""

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services import apps
from services.database import now
from services.interlocks.facts import Candidate, Circumstances, Finding, Interlock
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

TRAFFIC = Interlock(
    13,
    Message("Traffic and the way back"),
    Message("People may only meet a version that was tested, and there must be something good to go back to."),
)
APPROVAL = Interlock(15, Message("Approval"), Message("Whoever made something sees least of what is wrong with it."))
UNMOVED = Interlock(
    16,
    Message("Nothing moved since the proposal"),
    Message("MLflow lets anyone change these at any time: what was agreed to could be something else by now."),
)


FROZEN = Interlock(
    17,
    Message("Freeze period"),
    Message("There are days on which nobody has the time to notice or mend what a change breaks."),
)


def way_back(candidate: Candidate) -> Finding:
    """13: a version that has no traffic yet moves in, and the way back is the last good release."""
    workspace, known = candidate.workspace, candidate.circumstances
    first = candidate.live_agent is None and workspace.platform.serving.rules.first_takes_all
    if candidate.live_agent != candidate.agent.model_id and not (known.sharing or first) and _has_traffic(candidate):
        found = Message("This agent version gets traffic already, without a smoke test.")
        mend = Message("Open Releases: what was moved outside the console is adopted or put back there.")
        return TRAFFIC.red(found, mend, "releases")
    if candidate.live_agent is None:
        return TRAFFIC.green(Message("Nothing is live yet; going back takes the endpoint offline."))
    if known.good is None:
        found = Message("What is live was never proven, so a roll back of this release would have nowhere good to go.")
        return TRAFFIC.amber(
            found, Message("Resume the release that is live until it is proven, if you can."), "releases"
        )
    if not workspace.platform.serving.rules.splits_traffic:
        return TRAFFIC.amber(Message("This platform cannot split the traffic: a new version gets all of it at once."))
    return TRAFFIC.green(Message("A roll back leads to release {id}, the last good one.", id=known.good))


def _has_traffic(candidate: Candidate) -> bool:
    """Another agent than the live one, by what answers: the release's own move has ended when it is the live one."""
    live = candidate.circumstances.live
    endpoint = candidate.workspace.platform.serving.endpoint(candidate.workspace, candidate.workspace.app.endpoint)
    shown = [one.model_id for one in endpoint.versions if one.weight] if endpoint else []
    return candidate.agent.model_id in shown and (live is None or live[0] != candidate.agent.model_id)


def agreed_by_another(candidate: Candidate) -> Finding:
    """15: whoever must agree has agreed, and none of them to their own work where four eyes are required."""
    return agreement(candidate.circumstances)


def agreement(known: Circumstances) -> Finding:
    """15, which needs nothing of what else a candidate gathers."""
    if not known.agreement:
        return APPROVAL.green(Message("In this app nobody needs to agree."))
    if known.agreed_by is None:
        waiting = Message("It waits for an approval and cannot start before.")
        mend = Message("Ask an approver to look at it and to approve it on its page.")
        return APPROVAL.amber(*(known.unagreed or (waiting, mend)))
    if known.agreed_by in known.own:
        return APPROVAL.red(
            Message("{person} approved what they proposed or wrote themselves.", person=known.agreed_by),
            Message("Four eyes are required: ask another approver."),
        )
    return APPROVAL.green(Message("{person} agreed to exactly this.", person=known.agreed_by))


def nothing_moved(candidate: Candidate) -> Finding:
    """16: the pointers, the scorers, the baseline and the prompt's settings are what they were at the proposal."""
    then, today = candidate.circumstances.then, candidate.state
    changed = [name for name in WORDS if name in then and then[name] != today[name]]
    if changed:
        mend = Message("Look at what changed, then check the release again on its page.")
        return UNMOVED.red(WORDS[changed[0]], mend, SCREENS[changed[0]])
    live = candidate.circumstances.live
    wanted = (candidate.agent.model_id, candidate.prompt_version)
    if live is not None and live not in ((candidate.live_agent, candidate.live_prompt), wanted):
        return UNMOVED.red(
            Message("What is live is not what it was when this release was proposed."),
            Message("Look at what is live, then propose it again."),
            "releases",
        )
    if candidate.prompt is None:
        return UNMOVED.green(Message("What is live, the scorers and the baseline are unchanged."))
    return UNMOVED.green(Message("What is live, the scorers, the baseline and the prompt's settings are unchanged."))


def not_frozen(candidate: Candidate) -> Finding:
    """17: no freeze period forbids that anything new goes live when it starts."""
    return freeze(candidate.workspace, candidate.circumstances.starts)


def freeze(workspace: "Workspace", starts: datetime | None = None) -> Finding:
    """17, which needs nothing of what else a candidate gathers; without `starts` for a start now."""
    if not workspace.app.environment.live:
        return FROZEN.not_applicable(Message("It counts for production only."))
    period = apps.frozen_at(workspace, starts or now())
    if period is None:
        return FROZEN.green(Message("No freeze period now."))
    until = period.end.astimezone(ZoneInfo(workspace.app.time_zone))
    return FROZEN.red(
        Message(
            "Nothing new goes live until {time} ({zone}): {why}",
            time=until.strftime("%Y-%m-%d %H:%M"),
            zone=workspace.app.time_zone,
            why=period.why,
        ),
        Message("Wait, or choose a time after it with “Start later”. If it cannot wait, ask for an override."),
    )


WORDS = {
    "prompt": Message("The settings of the prompt version were changed since the proposal."),
    "scorers": Message("Scorers were added, changed or removed since the proposal."),
    "baseline": Message("What is live was evaluated anew since the proposal: the comparison is another one."),
}
SCREENS = {"prompt": "prompts", "scorers": "scorers", "baseline": "evaluations"}
