"""A line of the log as a sentence: who did what to what."""

import re
from typing import Any

from services.audit.doing import DOING
from services.audit.reading import Event
from services.audit.verbs import Verb
from services.messages import Message, mark
from services.people import CONSOLE

SAID: dict[Verb, str] = {
    Verb.CREATE_APP: mark("{who} created the app {what}."),
    Verb.UPDATE_APP: mark("{who} changed settings of the app: {what}."),
    Verb.ARCHIVE_APP: mark("{who} archived the app {what} or brought it back."),
    Verb.CHOOSE_PLACE: mark("{who} chose where things are kept."),
    Verb.SAVE_GATE: mark("{who} changed the gate: {what}."),
    Verb.SAVE_PROMPT: mark("{who} saved a version of the prompt {what}."),
    Verb.LABEL_PROMPT: mark("{who} changed the labels of the prompt version {what}."),
    Verb.SAVE_DRAFT: mark("{who} kept a draft of {what}."),
    Verb.COMMENT: mark("{who} wrote or removed a comment on {what}."),
    Verb.ARCHIVE_PROMPT: mark("{who} archived the prompt {what} or brought it back."),
    Verb.TRASH_PROMPT: mark("{who} moved {what} to or from the trash."),
    Verb.ERASE_PROMPT: mark("{who} deleted {what} for good."),
    Verb.IMPROVE_PROMPT: mark("{who} had the prompt {what} improved."),
    Verb.NOTICE_MOVE: mark("{who} noticed that the prompt {what} was moved outside the console."),
    Verb.NOTICE_LIVE: mark("{who} noticed that what answers at the endpoint {what} was moved outside the console."),
    Verb.NOTICE_CRITICAL: mark("{who} saw critical questions hold {what}."),
    Verb.LOG_AGENT: mark("{who} logged a version of the agent {what}."),
    Verb.DESCRIBE_AGENT: mark("{who} described a version of the agent {what}."),
    Verb.REMOVE_FAILED_AGENTS: mark("{who} removed agent versions that failed."),
    Verb.TRY_AGENT: mark("{who} allowed or refused a tool while trying an agent ({what})."),
    Verb.SAVE_DATASET: mark("{who} saved the dataset {what}."),
    Verb.NOTICE_DATASET: mark("{who} noticed that the dataset {what} was changed elsewhere."),
    Verb.NOTICE_JUDGE: mark("{who} noticed that {what} is the model that judges production."),
    Verb.SAVE_SCORER: mark("{who} saved the scorer {what}."),
    Verb.SAVE_SCORER_CODE: mark("{who} saved or tried the code of the scorer {what}."),
    Verb.REMOVE_SCORER: mark("{who} removed the scorer {what}."),
    Verb.EVALUATE: mark("{who} had answers evaluated ({what})."),
    Verb.SAVE_LARGE: mark("{who} changed which evaluations count as large."),
    Verb.CORRECT_JUDGE: mark("{who} gave a verdict beside the judge's."),
    Verb.PIN_BASELINE: mark("{who} changed the baseline of comparisons."),
    Verb.SAVE_VIEW: mark("{who} changed the saved views."),
    Verb.PREFER_ANSWER: mark("{who} chose the better of two answers."),
    Verb.SAVE_QUEUE: mark("{who} made the review queue {what}."),
    Verb.FILL_QUEUE: mark("{who} had answers looked for, for the review queue {what}."),
    Verb.MAKE_SESSION: mark("{who} made the labeling session {what} in the Review App."),
    Verb.TAKE_LABELS: mark("{who} took in what people said in the labeling session {what}."),
    Verb.CLOSE_QUEUE: mark("{who} closed or opened the review queue {what}."),
    Verb.REVIEW_ANSWER: mark("{who} reviewed an answer."),
    Verb.SKIP_ANSWER: mark("{who} skipped an answer in review."),
    Verb.UNDO_REVIEW: mark("{who} took a review back."),
    Verb.CANCEL_JOB: mark("{who} cancelled a job ({what})."),
    Verb.GIVE_FEEDBACK: mark("{who} said whether an answer helped."),
    Verb.PROPOSE_RELEASE: mark("{who} proposed a release."),
    Verb.CHECK_RELEASE: mark("{who} had the interlocks of {what} checked again."),
    Verb.WITHDRAW_RELEASE: mark("{who} withdrew {what}."),
    Verb.KEEP_EVIDENCE: mark("{who} kept the evidence of {what}."),
    Verb.SAVE_APPROVAL_RULE: mark("{who} changed who must approve, or when nothing may be released: {what}."),
    Verb.APPROVE_RELEASE: mark("{who} approved {what}."),
    Verb.REJECT_RELEASE: mark("{who} rejected {what}."),
    Verb.START_RELEASE: mark("{who} started {what}."),
    Verb.STOP_RELEASE: mark("{who} stopped {what}."),
    Verb.ROLL_BACK: mark("{who} rolled back {what}."),
    Verb.ADOPT_MOVE: mark("{who} took over what was moved outside the console since {what}."),
    Verb.ASK_OVERRIDE: mark("{who} asked to override interlocks of {what}."),
    Verb.CONFIRM_OVERRIDE: mark("{who} confirmed the override of interlocks of {what}."),
    Verb.TAKE_OFFLINE: mark("{who} took the endpoint {what} offline."),
    Verb.BRING_BACK: mark("{who} brought the endpoint {what} back online."),
    Verb.SHUT_DOWN: mark("{who} shut down {what}."),
    Verb.REGISTER_MODEL: mark("{who} registered a version of the agent {what}."),
    Verb.REBUILD_READ_MODEL: mark("{who} had all traces read again for the charts."),
    Verb.SAVE_ALERT: mark("{who} saved the alert rule {what}."),
    Verb.MUTE_ALERT: mark("{who} muted alerts or ended a mute: {what}."),
    Verb.ACKNOWLEDGE_ALERT: mark("{who} took over the alert {what}."),
    Verb.CHOOSE_CHANNELS: mark("{who} chose where alerts go."),
    Verb.NOTICE_ALERT: mark("{who} recorded the alert {what}."),
    Verb.ERASE_TRACES: mark("{who} deleted traces for good."),
    Verb.START_ARCHIVE: mark("{who} started the archive of traces."),
    Verb.STOP_ARCHIVE: mark("{who} stopped the archive of traces."),
    Verb.CHANGE_ARCHIVE_AGES: mark("{who} changed how long traces are kept."),
    Verb.CHECK_ARCHIVE: mark("{who} had the archive looked after ({what})."),
    Verb.PUT_TRACES_BACK: mark("{who} brought traces back from the archive to MLflow."),
    Verb.RELIEVE_MLFLOW: mark("{who} deleted archived traces from MLflow because of their age, as was chosen."),
    Verb.ERASE_ARCHIVE: mark("{who} deleted archived traces."),
    Verb.START_WAREHOUSE: mark("{who} started the SQL warehouse {what}."),
    Verb.START_SCORERS: mark("{who} changed or started the production scorers."),
    Verb.STOP_SCORERS: mark("{who} stopped production scorers."),
    Verb.DEPLOY: mark("{who} deployed the agent version {what}."),
    Verb.MOVE_ALIAS: mark("{who} moved the production alias of the prompt {what}."),
    Verb.MOVE_ENVIRONMENT_ALIAS: mark("{who} moved the prompt's alias {what}."),
    Verb.PIN_PROMPT: mark("{who} named a prompt version for pinned agents: {what}."),
    Verb.MOVE_MODEL_ALIAS: mark("{who} moved the alias {what} of the registered agent."),
    Verb.MOVE_TRAFFIC: mark("{who} moved the traffic of the endpoint {what}."),
    Verb.COPY_QUESTIONS: mark("{who} began or ended copying live questions to the agent version {what}."),
    Verb.RETIRE: mark("{who} retired the agent version {what}."),
    Verb.START_REHEARSAL: mark("{who} started a rehearsal."),
    Verb.TAKE_PART: mark("{who} took part in the rehearsal {what}."),
    Verb.INJECT_FAULT: mark("{who} brought a fault into the practice copy {what}."),
    Verb.END_REHEARSAL: mark("{who} ended the rehearsal {what}."),
    Verb.READ_AUDIT: mark("{who} read the audit log."),
    Verb.EXPORT_AUDIT: mark("{who} exported lines of the audit log."),
    Verb.VERIFY_AUDIT: mark("{who} had the audit log checked."),
    Verb.READ_PEOPLE: mark("{who} looked at who signs in."),
    Verb.BACK_UP: mark("{who} made a backup of the console."),
    Verb.RESTORE: mark("{who} restored the console from a backup."),
}
SUBJECTS = {
    "webhook": mark("the webhook"),
    "dataset": mark("the dataset that releases are judged on"),
    "judges": mark("how far judges must agree with people"),
    "canary": mark("the canary plan"),
    "freeze periods": mark("times without releases"),
    "staging first": mark("whether staging comes before production"),
    "audit log": mark("the audit log"),
    "production scorers": mark("the production scorers"),
    "scoring": mark("the production scorers"),
    "backfill": mark("past answers"),
    "scoring job": mark("how often answers are judged"),
    "archive": mark("the archive of traces"),
    "alerts": mark("where alerts go"),
    "maintenance windows": mark("times without alerts"),
    "place": mark("where prompts and agents are kept"),
    "read model": mark("the index for charts and search"),
    "environment development": mark("the development environment"),
    "environment staging": mark("the staging environment"),
    "environment production": mark("the production environment"),
}
RELEASES = {
    "": mark("release {id}"),
    " is live": mark("release {id} is live"),
    " failed": mark("release {id} failed"),
    " was withdrawn": mark("release {id} was withdrawn"),
    " did not go live": mark("release {id} did not go live"),
    " kept the live version": mark("release {id} kept the live version"),
}
_RELEASE = re.compile(r"release (\d+)(.*)")


def sentence(line: Event) -> Message:
    """What the line says; what did not end well is told as what was tried."""
    who, what = actor(line.actor), subject(line.subject)
    try:
        verb = Verb(line.verb)
    except ValueError:  # written by a newer console
        return Message("{who}: {verb} ({what}).", who=who, verb=line.verb.replace("_", " "), what=what)
    if line.outcome == "done":
        return Message(SAID[verb], who=who, what=what)
    return Message("{who} tried: {doing} ({what}).", who=who, doing=Message(DOING[verb]), what=what)


def actor(id: str) -> Message | str:
    return Message("The console") if id == CONSOLE.id else id


def subject(text: str) -> Message | str:
    """The subject, or the reason that a release gives, in words: all that is not ours is a name itself."""
    if (found := _RELEASE.fullmatch(text)) and found[2] in RELEASES:
        return Message(RELEASES[found[2]], id=found[1])
    return Message(SUBJECTS[text]) if text in SUBJECTS else text


def step(line: Event) -> tuple[Any, Any] | None:
    """From where to where, when it is one plain value that people know; ids and lists are told on demand."""
    values = line.before, line.after
    if all(one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in values):
        return None if values == (None, None) else values
    return None
