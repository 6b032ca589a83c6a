"""Write a version: the draft with its labels and settings, its note, and a quick try beside it."""

import functools
from typing import Any

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.diff import VALUES
from pages.components.prompts import fields, labels, opening, racing, sheets, trying
from pages.components.prompts.sheets import Sheet
from services import agents, audit, prompts, sample
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.prompts import Content, PromptVersion
from services.prompts.precedence import in_force
from services.workspace import Workspace

# The newest agent that follows the prompt: read when the page is, not at every pause in typing.
FOLLOWING = "prompt-following-agent"
_ = session.text


def show(workspace: Workspace, name: str | None, found: list[PromptVersion]) -> None:
    """The draft of `name` beside a quick try; without a name, the form of a new prompt."""
    if name is None:
        st.header(_("New prompt"), anchor=False)
        if not prompts.names(workspace):
            st.info(_("There is no prompt yet. Write what the assistant is told and save it: that makes version 1."))
    st.session_state.pop(FOLLOWING, None)
    _show_draft(workspace, name, found)


def start_from(workspace: Workspace, version: PromptVersion, newest: int) -> None:
    """Make a version's content my draft of the next one; the caller opens this view."""
    sheets.begin(workspace, version.name, version.content, newest)


# A pause in typing reruns only this part: the versions are not read again.
@st.fragment
def _show_draft(workspace: Workspace, name: str | None, found: list[PromptVersion]) -> None:
    feedback.show_at_once()
    sheet = sheets.opened(workspace, name, found, "" if name else _first_name(workspace))
    may = audit.allowed(workspace, Verb.SAVE_DRAFT)
    writing, trial = st.columns([3, 2], gap="large")
    with writing:
        told = st.container()
        if name is None:
            st.text_input(
                _("Name"),
                key=f"{sheet.fields}/name",
                disabled=not may,
                help=_("Letters, digits, hyphens and underscores. It cannot be changed later."),
            )
        _offer_example(workspace, name, found)
        sheets.absorb(workspace, sheet, _show_editor(workspace, name, sheet, may))
        _show_fields(workspace, name, sheet, found, may)
        if may:
            sheets.update(workspace, sheet)
        with told:
            racing.show(workspace, sheet, found)
    with trial:
        trying.show(workspace, name, sheet.draft.content, sheet.written)


def _show_editor(workspace: Workspace, name: str | None, sheet: Sheet, may: bool) -> Any:
    if may:
        sheets.update(workspace, sheet)
    state = {
        "epoch": sheet.epoch,
        "session": sheet.session,
        "store": f"{workspace.actor.id}/{sheet.key}",
        "seen": sheet.seen,
        "revision": sheet.draft.revision,
        "known": editor.known(workspace),
        "disabled": not may,
        "kept": _kept(sheet),
    }
    save = functools.partial(_save, workspace, name)
    keep = functools.partial(sheets.caught_up, workspace, name)
    return editor.show(f"{sheet.key}/text", sheet.draft.content, state, keep, save)


def _show_fields(workspace: Workspace, name: str | None, sheet: Sheet, found: list[PromptVersion], may: bool) -> None:
    with st.expander(_("Title and labels"), key=f"{sheet.key}/labels"):
        fields.show_labels(sheet.fields, labels.used(workspace, found), not may)
    with st.expander(_("Model settings"), key=f"{sheet.key}/settings"):
        models = [workspace.usual_model, *(one.content.settings.model_name for one in found)]
        fields.show_settings(sheet.fields, [model for model in models if model], not may)
    if chosen := fields.summary(sheet.draft):
        st.caption(_("This version sets: {settings}", settings=session.escape(chosen)))
        if name is not None:
            _show_precedence(workspace, name, sheet.draft.content)
    st.text_input(_("Note"), key=f"{sheet.fields}/note", disabled=not may, placeholder=_("What is different, and why?"))
    written = sheet.written or name is None
    st.button(
        _("Save as version {n}", n=found[0].version + 1 if found else 1),
        type="primary",
        key="save-prompt",
        icon=":material/save:",
        on_click=_save,
        args=(workspace, name),
        disabled=not (written and audit.allowed(workspace, Verb.SAVE_PROMPT)),
        help=_("Ctrl+S or Ctrl+Enter in the text does the same.") if written else _("There is nothing new to save."),
    )
    # The button may be far below the top, where the sentence stands for those who save from the text.
    if sheet.unsaved is not None:
        feedback.show_error(sheet.unsaved)


def _show_precedence(workspace: Workspace, name: str, content: Content) -> None:
    """Where the version's settings meet those of the newest agent that follows the prompt."""
    if FOLLOWING not in st.session_state:
        ready = (one for one in agents.of_prompt(workspace, name) if one.status == "READY")
        st.session_state[FOLLOWING] = next(ready, None)
    agent = st.session_state[FOLLOWING]
    if agent is None:
        return
    for one in in_force(content.settings, agent.config):
        if one.overruled:
            st.caption(
                _(
                    "{name}: {value} of this version counts, not {other} of the agent.",
                    name=_(VALUES[one.name]),
                    value=session.escape(str(one.prompt)),
                    other=session.escape(str(one.agent)),
                )
            )


def _offer_example(workspace: Workspace, name: str | None, found: list[PromptVersion]) -> None:
    """The sample app's own prompt, step by step, for a first walk without writing."""
    stored = sample.app()
    mine = workspace.app.sample and name in (None, stored.prompt_name)
    if not mine or len(found) >= len(stored.prompts) or (name is None and prompts.names(workspace)):
        return
    st.button(
        _("Use the example, version {n}", n=len(found) + 1),
        icon=":material/lightbulb:",
        key="use-example",
        on_click=_use_example,
        args=(workspace, name, len(found), found[0].version if found else None),
    )


def _use_example(workspace: Workspace, name: str | None, position: int, base: int | None) -> None:
    example = sample.prompts(session.language())[position]
    sheets.begin(workspace, name, Content(example.template), base, example.note)


def _save(workspace: Workspace, name: str | None) -> None:
    sheet = sheets.caught_up(workspace, name)
    if name is not None and not sheet.written:
        return
    try:
        made = sheets.save(workspace, name)
    except ConsoleError:  # the sheet tells it, where the person looks
        return
    with feedback.action(_saved(workspace, made)):
        opening.open_prompt(made.name)


def _saved(workspace: Workspace, made: PromptVersion) -> Message:
    """What was saved, and what a person would do next."""
    if agents.of_prompt(workspace, made.name):
        return Message("Saved version {n} of {name}. Evaluate it next.", n=made.version, name=made.name)
    return Message("Saved version {n} of {name}. Log an agent that uses it next.", n=made.version, name=made.name)


def _kept(sheet: Sheet) -> str:
    if sheet.rival is not None or sheet.refusal is not None or sheet.draft.updated_at is None:
        return ""
    return _("Draft kept {time}", time=session.moment(sheet.draft.updated_at))


def _first_name(workspace: Workspace) -> str:
    if prompts.names(workspace):
        return ""
    return sample.app().prompt_name if workspace.app.sample else workspace.app.id
