"""Interlocks on what is released: evaluated, using its prompt, with every variable filled and no misspelt alias."""

from services import apps, jobs, production, prompts
from services.agents import shipping
from services.interlocks.facts import Candidate, Finding, Interlock
from services.messages import Message

KNOWN_ALIASES = frozenset(apps.ALIASES.values())

EVALUATED = Interlock(
    1,
    Message("Evaluated"),
    Message("An answer that was never checked is a guess; another version's score says nothing about this one."),
)
IN_USE = Interlock(
    3,
    Message("Prompt in use"),
    Message("An agent that ignores its prompt answers the same whatever is promoted."),
)
VARIABLES = Interlock(
    4, Message("Variables"), Message("A variable that nobody fills breaks every answer at the moment of the move.")
)
ALIASES = Interlock(
    5,
    Message("Aliases"),
    Message("MLflow accepts a misspelt alias without a word, and the app goes on reading the right one."),
)


def evaluated(candidate: Candidate) -> Finding:
    """1: this exact agent version with this exact prompt version, on today's dataset, all rows present."""
    found, mend = candidate.evaluation, _to_evaluate(candidate)
    if candidate.dataset_sha256 is None:
        choose = Message("Create a dataset on the Datasets screen and choose it for releases.")
        return EVALUATED.red(Message("The app has no dataset."), choose, "datasets")
    if found is None and _is_running(candidate):
        running = Message("An evaluation of exactly this is on its way.")
        return EVALUATED.red(running, Message("Wait until it has ended, then check again."), "evaluations")
    if found is None:
        return EVALUATED.red(_not_evaluated(candidate), mend, "evaluations", candidate.to_evaluate)
    if len(candidate.rows) < found.rows:
        part = Message("Only {present} of {rows} rows are present.", present=len(candidate.rows), rows=found.rows)
        return EVALUATED.red(part, mend, "evaluations", candidate.to_evaluate)
    if not found.failed:
        return EVALUATED.green(Message("All {rows} rows were answered.", rows=found.rows))
    return EVALUATED.amber(
        Message(
            "Evaluated on {rows} rows; {failed} failed and count as failures.", rows=found.rows, failed=found.failed
        )
    )


def _to_evaluate(candidate: Candidate) -> Message:
    if candidate.prompt is None:
        return Message("Run an evaluation of this agent on the Evaluations screen.")
    version = candidate.prompt.version
    return Message(
        "Run an evaluation of this agent with prompt version {version} on the Evaluations screen.", version=version
    )


def _not_evaluated(candidate: Candidate) -> Message:
    if candidate.prompt is None:
        return Message("There is no finished evaluation of this agent on today's dataset.")
    return Message(
        "There is no finished evaluation of this agent with prompt version {version} on today's dataset.",
        version=candidate.prompt.version,
    )


def _is_running(candidate: Candidate) -> bool:
    asked = {"model_id": candidate.agent.model_id, "prompt_version": candidate.prompt_version}
    live = [job for job in jobs.recent(candidate.workspace, "evaluate") if job.live]
    return any(asked.items() <= job.args.items() for job in live)


def uses_prompt(candidate: Candidate) -> Finding:
    """3: the agent really answers with the registered prompt, as its own traces show."""
    agent, links, follows = candidate.agent, candidate.agent.links, apps.ALIASES[apps.Stage.PRODUCTION]
    if candidate.prompt is None:
        return _uses_none(candidate)
    if not links.agree:
        found = Message("The agent's three links to its prompt disagree: {links}.", links=links.sentence)
        return IN_USE.red(found, Message("Log the agent again on the Agents screen."), "agents")
    if agent.pinned is None and agent.prompt_alias != follows:
        found = Message(
            "The agent follows the alias “{alias}”, not “{wanted}”.", alias=agent.prompt_alias, wanted=follows
        )
        return IN_USE.red(found, Message("Log the agent again so that it follows production."), "agents")
    if agent.pinned not in (None, candidate.prompt.version):
        found = Message("The agent is pinned to prompt version {version}.", version=agent.pinned)
        mend = Message("Choose that prompt version, or log an agent that follows production.")
        return IN_USE.red(found, mend, "agents")
    if candidate.evaluation is None and not candidate.workspace.app.environment.judged:
        return IN_USE.amber(Message("No evaluation shows which prompt this agent uses; the smoke test does."))
    if candidate.evaluation is None:
        found = Message("No trace shows which prompt this agent uses.")
        return IN_USE.red(found, Message("Run the evaluation first."), "evaluations", candidate.to_evaluate)
    if not candidate.evaluation.prompt_seen:
        found = Message("The evaluation's traces do not show the prompt's text in the model's input.")
        mend = Message("Mend the agent's code: it must load the prompt and send it to the model.")
        return IN_USE.red(found, mend, "agents")
    environment = candidate.workspace.app.environment
    if not environment.live and agent.pinned is None and not _told_by_config(candidate):
        found = Message(
            "Whether it follows the alias {alias} here shows in the smoke test only.", alias=environment.alias
        )
        return IN_USE.amber(found)
    return IN_USE.green(
        Message(
            "Every trace of the evaluation shows prompt version {version} in the model's input.",
            version=candidate.prompt.version,
        )
    )


def _uses_none(candidate: Candidate) -> Finding:
    """An agent whose instructions are in its code; one that names or loads a prompt can change without a release."""
    links, found = candidate.agent.links, candidate.evaluation
    if links.none and found is not None and found.loaded:
        return IN_USE.red(
            Message(
                "It is logged without a prompt, but the evaluation's traces show that it loads one: {names}.",
                names=", ".join(found.loaded),
            ),
            Message("Log it with that prompt on the Agents screen, or take the loading out of its code."),
            "agents",
        )
    if links.none:
        return IN_USE.not_applicable(
            Message("The agent asks no prompt of the app: what it says is in its code, which is released as it is.")
        )
    return IN_USE.red(
        Message("The agent names a prompt that is none of this app: {links}.", links=links.sentence),
        Message("Save its instructions as a prompt, and log it with that prompt on the Agents screen."),
        "agents",
    )


def _told_by_config(candidate: Candidate) -> bool:
    return candidate.workspace.platform.serving.rules.overrides_config


def variables_supplied(candidate: Candidate) -> Finding:
    """4: the app supplies every variable of the template."""
    if candidate.prompt is None:
        return VARIABLES.not_applicable(Message("Without a prompt there are no variables to fill."))
    supplied = set(candidate.workspace.app.variables) | apps.RUNTIME_VARIABLES
    supplied |= shipping.variables(candidate.agent.config)
    missing = sorted(candidate.prompt.variables - supplied)
    if missing:
        found = Message("The app does not supply: {names}.", names=", ".join(missing))
        mend = Message("Add the variable on the Apps screen, or take it out of the prompt.")
        return VARIABLES.red(found, mend, "apps")
    return VARIABLES.green(Message("The app supplies every variable of the prompt."))


def aliases_known(candidate: Candidate) -> Finding:
    """5: only production, staging and candidate are used as aliases, and those that pin agents to a released version."""
    if candidate.prompt is None:
        return ALIASES.not_applicable(Message("Without a prompt there is no alias that the agent could follow."))
    named = prompts.aliases(candidate.workspace, candidate.prompt.name)
    read = {
        alias for alias, version in named.items() if alias in KNOWN_ALIASES or alias == production.pin_alias(version)
    }
    unknown = sorted(named.keys() - read)
    if unknown:
        found = Message("The prompt carries aliases that nothing reads: {names}.", names=", ".join(unknown))
        return ALIASES.amber(found, Message("Remove them in MLflow, or ask who set them."))
    return ALIASES.green(Message("Only known aliases are used."))
