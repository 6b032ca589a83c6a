"""Bring prompts in from a file or a pasted text: what would be written is shown before it is written."""

import hashlib
import re

import streamlit as st

from pages.components import feedback, session
from pages.components.prompts import opening
from services import audit, prompts
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message, mark
from services.prompts import transfer
from services.prompts.transfer import Fate, IncomingPrompt, Parcel, Plan, PlannedPrompt, PlannedVersion
from services.workspace import Workspace

FILES = ["json", "yaml", "yml", "txt", "md"]
LONGEST_SHOWN = 140
MOST_VERSIONS = 30
MOST_PROMPTS = 50
FATE = {
    Fate.NEW: (mark("new"), "green"),
    Fate.SAME: (mark("there already"), "gray"),
    Fate.REFUSED: (mark("cannot be saved"), "red"),
}
_ = session.text


def show(workspace: Workspace) -> None:
    """Choose what to import, see what it would write, write it."""
    st.button(_("All prompts"), icon=":material/arrow_back:", key="back", on_click=opening.open_list)
    st.header(_("Import prompts"), anchor=False)
    st.caption(
        _(
            "From OpenAI (reusable prompts stop on 30 November 2026), Langfuse, LangSmith, a text, or a file that was "
            "exported here. Nothing is written before you have seen it, and nothing goes live."
        )
    )
    given = _given(workspace)
    if given is None:
        return
    try:
        _show_plan(workspace, _read(given))
    except ConsoleError as error:
        feedback.show_error(error)


def _read(given: bytes | str) -> Parcel:
    """The parcel, read once: a large file takes seconds, and every click in the page draws it again."""
    mark = hashlib.sha256(given if isinstance(given, bytes) else given.encode("utf-8", "replace")).hexdigest()
    known = st.session_state.get("import-parcel")
    if known is None or known[0] != mark:
        known = st.session_state["import-parcel"] = (mark, transfer.read(given))
    parcel: Parcel = known[1]
    return parcel


def _given(workspace: Workspace) -> bytes | str | None:
    """The file if one is chosen, else what was pasted."""
    left, right = st.columns(2, gap="large")
    with left:
        file = st.file_uploader(
            _("A file"), FILES, key=f"import-file-{workspace.app.id}", max_upload_size=transfer.LARGEST // 1_000_000
        )
        st.caption(_("JSON, YAML or text, up to {n} MB.", n=transfer.LARGEST // 1_000_000))
    with right:
        pasted = st.text_area(
            _("Or paste it"),
            key=_pasted_key(workspace),
            height=180,
            help=_("Of an OpenAI prompt, paste what its code view shows: the messages with their variables."),
        )
    return file.getvalue() if file else pasted if pasted.strip() else None


def _show_plan(workspace: Workspace, parcel: Parcel) -> None:
    unnamed = _unnamed(workspace)
    own = [_own_name(one) or (f"{unnamed}-{n}" if n else unnamed) for n, one in enumerate(parcel.prompts)]
    names = {n: _name(workspace, n, one, own[n]) for n, one in enumerate(parcel.prompts)}
    plan = transfer.plan(workspace, parcel, names)
    st.markdown(_("**What would be imported** ({format})", format=_format(parcel.format)))
    for refused in plan.refused:
        st.warning(session.escape(session.say(refused)))
    for position, prompt in enumerate(plan.prompts[:MOST_PROMPTS]):
        _show_prompt(workspace, position, prompt, own[position])
    if len(plan.prompts) > MOST_PROMPTS:
        st.caption(_("and {n} more prompts, under the names of the file", n=len(plan.prompts) - MOST_PROMPTS))
    if plan.new == 0:
        st.info(
            _("There is nothing new to import.")
            if _complete(plan)
            else _("Correct it as it says above, then choose or paste it again.")
        )
    st.button(
        _("Import: {n} versions", n=plan.new),
        type="primary",
        icon=":material/download:",
        key="import-prompts",
        on_click=_write,
        args=(workspace, plan),
        disabled=plan.new == 0 or not audit.allowed(workspace, Verb.SAVE_PROMPT),
    )


def _show_prompt(workspace: Workspace, position: int, prompt: PlannedPrompt, own: str) -> None:
    with st.container(border=True):
        st.text_input(
            _("Name"),
            own,
            key=_name_key(workspace, position, prompt.source),
            help=_("Letters, digits, hyphens and underscores. It cannot be changed later."),
        )
        if prompt.problem:
            feedback.show_error(prompt.problem)
            return
        st.caption(
            _("It is added to the prompt of this name, after its version {n}.", n=prompt.newest)
            if prompt.newest
            else _("A new prompt.")
        )
        for one in prompt.versions[:MOST_VERSIONS]:
            _show_version(one)
        if len(prompt.versions) > MOST_VERSIONS:
            st.caption(_("and {n} more", n=len(prompt.versions) - MOST_VERSIONS))


def _show_version(one: PlannedVersion) -> None:
    word, color = FATE[one.fate]
    number = _("version {n}", n=one.incoming.number) if one.incoming.number else ""
    with st.container(horizontal=True):
        st.markdown(f":{color}-badge[{_(word)}]", width="content")
        if number:
            st.markdown(number, width="content")
        st.markdown(session.escape(_first_words(one.content.text)), width="stretch")
    if one.refusal:
        told = session.joined(*(session.say(part) for part in (one.refusal.message, one.refusal.remedy) if part))
        st.markdown(f":small[:red[{session.escape(told)}]]")
    for warning in one.warnings:
        st.caption(":orange[:material/warning:] " + session.escape(session.say(warning)))


def _write(workspace: Workspace, plan: Plan) -> None:
    with feedback.action(Message("Imported versions: {n}. Nothing went live.", n=plan.new)):
        transfer.write(workspace, plan)
        st.session_state[_pasted_key(workspace)] = ""
        opening.open_list()


def _complete(plan: Plan) -> bool:
    """Whether all of the file is there already."""
    return not any(prompt.problem or any(one.refusal for one in prompt.versions) for prompt in plan.prompts)


def _name(workspace: Workspace, position: int, prompt: IncomingPrompt, own: str) -> str:
    """The name in the field of this prompt, once it was drawn."""
    return str(st.session_state.get(_name_key(workspace, position, prompt), own)).strip()


def _own_name(prompt: IncomingPrompt) -> str:
    """The file's own, made to fit; empty where nothing of it does."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", prompt.name).strip("-_")[:63]


def _unnamed(workspace: Workspace) -> str:
    """The app's name, unless a prompt has it: what nobody named is not added to what is live by itself."""
    taken = workspace.app.id in prompts.every_name(workspace)
    return f"{workspace.app.id[:54]}-imported" if taken else workspace.app.id


def _name_key(workspace: Workspace, position: int, prompt: IncomingPrompt) -> str:
    return f"import-name-{workspace.app.id}-{position}-{prompt.name}"


def _pasted_key(workspace: Workspace) -> str:
    return f"import-text-{workspace.app.id}"


def _first_words(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= LONGEST_SHOWN else short[:LONGEST_SHOWN] + "…"


def _format(name: str) -> str:
    return _("a text") if name == "text" else name
