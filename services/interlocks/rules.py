"""The interlocks: one function each, that says what it found, why it matters and how to mend it.

A new interlock is one function in CHECKS and its messages. `docs/interlocks.md` lists them for operators.
"""

from collections.abc import Callable

from services import apps, jobs, monitoring, prompts, scorers
from services.agents import shipping
from services.interlocks.facts import Candidate, Finding, Light
from services.interlocks.gate import gate
from services.messages import Message
from services.production import ALIAS

KNOWN_ALIASES = frozenset({ALIAS, "staging", "candidate"})


def evaluated(candidate: Candidate) -> Finding:
    """1: this exact agent version with this exact prompt version, on today's dataset, all rows present."""
    title = Message("Evaluated")
    why = Message("An answer that was never checked is a guess; another version's score says nothing about this one.")
    mend = Message(
        "Run an evaluation of this agent with prompt version {version} on the Evaluations screen.",
        version=candidate.prompt.version,
    )
    if candidate.dataset_sha256 is None:
        return Finding(
            1,
            title,
            Light.RED,
            Message("The app has no dataset."),
            why,
            Message("Create a dataset on the Datasets screen and choose it for releases."),
            "datasets",
        )
    found = candidate.evaluation
    if found is None and _is_running(candidate):
        running = Message(
            "An evaluation with prompt version {version} is on its way.", version=candidate.prompt.version
        )
        return Finding(
            1, title, Light.RED, running, why, Message("Wait until it has ended, then check again."), "evaluations"
        )
    if found is None:
        missing = Message(
            "There is no finished evaluation of this agent with prompt version {version} on today's dataset.",
            version=candidate.prompt.version,
        )
        return Finding(1, title, Light.RED, missing, why, mend, "evaluations", candidate.to_evaluate)
    if len(candidate.rows) < found.rows:
        part = Message("Only {present} of {rows} rows are present.", present=len(candidate.rows), rows=found.rows)
        return Finding(1, title, Light.RED, part, why, mend, "evaluations", candidate.to_evaluate)
    if not found.failed:
        return Finding(1, title, Light.GREEN, Message("All {rows} rows were answered.", rows=found.rows), why)
    whole = Message(
        "Evaluated on {rows} rows; {failed} failed and count as failures.", rows=found.rows, failed=found.failed
    )
    return Finding(1, title, Light.AMBER, whole, why)


def _is_running(candidate: Candidate) -> bool:
    asked = {"model_id": candidate.agent.model_id, "prompt_version": candidate.prompt.version}
    live = [job for job in jobs.recent(candidate.workspace, "evaluate") if job.live]
    return any(asked.items() <= job.args.items() for job in live)


def uses_prompt(candidate: Candidate) -> Finding:
    """3: the agent really answers with the registered prompt, as its own traces show."""
    title = Message("Prompt in use")
    why = Message("An agent that ignores its prompt answers the same whatever is promoted.")
    links = candidate.agent.links
    if not links.agree:
        return Finding(
            3,
            title,
            Light.RED,
            Message("The agent's three links to its prompt disagree: {links}.", links=links.sentence),
            why,
            Message("Log the agent again on the Agents screen."),
            "agents",
        )
    if candidate.agent.pinned is None and candidate.agent.prompt_alias != ALIAS:
        return Finding(
            3,
            title,
            Light.RED,
            Message(
                "The agent follows the alias “{alias}”, not “{wanted}”.",
                alias=candidate.agent.prompt_alias,
                wanted=ALIAS,
            ),
            why,
            Message("Log the agent again so that it follows production."),
            "agents",
        )
    if candidate.agent.pinned not in (None, candidate.prompt.version):
        return Finding(
            3,
            title,
            Light.RED,
            Message("The agent is pinned to prompt version {version}.", version=candidate.agent.pinned),
            why,
            Message("Choose that prompt version, or log an agent that follows production."),
            "agents",
        )
    if candidate.evaluation is None:
        return Finding(
            3,
            title,
            Light.RED,
            Message("No trace shows which prompt this agent uses."),
            why,
            Message("Run the evaluation first."),
            "evaluations",
            candidate.to_evaluate,
        )
    if not candidate.evaluation.prompt_seen:
        return Finding(
            3,
            title,
            Light.RED,
            Message("The evaluation's traces do not show the prompt's text in the model's input."),
            why,
            Message("Mend the agent's code: it must load the prompt and send it to the model."),
            "agents",
        )
    return Finding(
        3,
        title,
        Light.GREEN,
        Message(
            "Every trace of the evaluation shows prompt version {version} in the model's input.",
            version=candidate.prompt.version,
        ),
        why,
    )


def variables_supplied(candidate: Candidate) -> Finding:
    """4: the app supplies every variable of the template."""
    title = Message("Variables")
    why = Message("A variable that nobody fills breaks every answer at the moment of the move.")
    supplied = set(candidate.workspace.app.variables) | apps.RUNTIME_VARIABLES
    supplied |= shipping.variables(candidate.agent.config)
    missing = sorted(candidate.prompt.variables - supplied)
    if missing:
        return Finding(
            4,
            title,
            Light.RED,
            Message("The app does not supply: {names}.", names=", ".join(missing)),
            why,
            Message("Add the variable on the Apps screen, or take it out of the prompt."),
            "apps",
        )
    return Finding(4, title, Light.GREEN, Message("The app supplies every variable of the prompt."), why)


def aliases_known(candidate: Candidate) -> Finding:
    """5: only production, staging and candidate are used as aliases."""
    title = Message("Aliases")
    why = Message("MLflow accepts a misspelt alias without a word, and the app goes on reading the right one.")
    found = prompts.aliases(candidate.workspace, candidate.prompt.name)
    unknown = sorted(set(found) - KNOWN_ALIASES)
    if unknown:
        return Finding(
            5,
            title,
            Light.AMBER,
            Message("The prompt carries aliases that nothing reads: {names}.", names=", ".join(unknown)),
            why,
            Message("Remove them in MLflow, or ask who set them."),
        )
    return Finding(5, title, Light.GREEN, Message("Only known aliases are used."), why)


def scorers_ready(candidate: Candidate) -> Finding:
    """6: the scorers that gated are the ones that will watch production, in the same versions."""
    title = Message("Production scorers")
    why = Message(
        "Production is watched with the same checks that let the release pass, started before it is deployed."
    )
    known = scorers.all(candidate.workspace)
    specs = {spec.name: spec.version for spec in known}
    watching = sum(scorers.not_in_production(spec) is None for spec in known)
    gone = sorted(set(candidate.workspace.app.gate.minimum) - set(specs))
    if gone:
        return Finding(
            6,
            title,
            Light.RED,
            Message("The gate names scorers that do not exist: {names}.", names=", ".join(gone)),
            why,
            Message("Create them on the Scorers screen, or change the gate on the Apps screen."),
            "scorers",
        )
    used = candidate.evaluation.scorers if candidate.evaluation else {}
    changed = sorted(name for name, version in used.items() if specs.get(name, version) != version)
    if changed:
        return Finding(
            6,
            title,
            Light.RED,
            Message("Scorers were changed after the evaluation: {names}.", names=", ".join(changed)),
            why,
            Message("Run the evaluation again with today's scorers."),
            "evaluations",
            candidate.to_evaluate,
        )
    running = [one for one in monitoring.production_scorers(candidate.workspace) if one.running]
    state = (
        Message("Running now: {n}.", n=len(running))
        if running
        else Message("They start in this release, before anything is deployed: {n}.", n=watching)
    )
    return Finding(6, title, Light.GREEN, state, why)


def names_fit(candidate: Candidate) -> Finding:
    """7: the endpoint's name is explicit, short enough and not another app's."""
    title = Message("Names")
    why = Message("Platforms cut long names silently, and two apps on one endpoint overwrite each other.")
    workspace = candidate.workspace
    name, longest = workspace.app.endpoint, workspace.platform.serving.rules.name_length
    mend = Message("Change the endpoint's name on the Apps screen.")
    if not name or len(name) > longest:
        return Finding(
            7,
            title,
            Light.RED,
            Message("The endpoint's name must have 1 to {longest} characters.", longest=longest),
            why,
            mend,
            "apps",
        )
    others = [
        app.name
        for app in [*apps.all(workspace), *apps.all(workspace, archived=True)]
        if app.endpoint == name and app.id != workspace.app.id
    ]
    if others:
        return Finding(
            7,
            title,
            Light.RED,
            Message("The endpoint {name} belongs to the app {other}.", name=name, other=others[0]),
            why,
            mend,
            "apps",
        )
    return Finding(7, title, Light.GREEN, Message("One registered model and one endpoint: {name}.", name=name), why)


CHECKS: tuple[Callable[[Candidate], Finding | list[Finding]], ...] = (
    evaluated,
    gate,
    uses_prompt,
    variables_supplied,
    aliases_known,
    scorers_ready,
    names_fit,
)
