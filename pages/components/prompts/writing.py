"""Write a version: the draft, its note, and a quick try beside it."""

import streamlit as st

from pages.components import editor, feedback, session
from pages.components.prompts import opening
from services import audit, playground, prompts, sample
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.prompts import PromptVersion
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, name: str | None, found: list[PromptVersion]) -> None:
    """The draft of `name` beside a quick try; without a name, the form of a new prompt."""
    if name is None:
        _ask_name(workspace)
    writing, trying = st.columns([3, 2], gap="large")
    with writing:
        draft = _show_editor(workspace, name, found)
    with trying:
        _show_try(workspace, draft)


def start_from(text: str, template: str, note: str) -> None:
    st.session_state[text], st.session_state[f"{text}-note"] = template, note


def _name_key(workspace: Workspace) -> str:
    return f"prompt-name-{workspace.app.id}"


def _example_name(workspace: Workspace) -> str | None:
    return sample.app().prompt_name if workspace.app.sample else None


def _may_save(workspace: Workspace) -> bool:
    return audit.allowed(workspace, Verb.SAVE_PROMPT)


def _save(workspace: Workspace, name: str | None) -> None:
    # A click may overtake what was just typed: the draft is read here, not taken from the last run.
    text = editor.key(workspace, name or "")
    name = name or st.session_state[_name_key(workspace)].strip()
    with feedback.action(Message("Saved a new version of {name}. Evaluate it, then release it.", name=name)):
        prompts.save(workspace, name, st.session_state[text], st.session_state[f"{text}-note"].strip())
        editor.restart(text)
        opening.open_prompt(name)


def _ask_name(workspace: Workspace) -> None:
    names = prompts.names(workspace)
    st.subheader(_("New prompt"), anchor=False)
    if not names:
        st.info(_("There is no prompt yet. Write what the assistant is told and save it: that makes version 1."))
    st.text_input(
        _("Name"),
        "" if names else _example_name(workspace) or workspace.app.id,
        key=_name_key(workspace),
        help=_("Letters, digits, hyphens and underscores. It cannot be changed later."),
    )


def _show_editor(workspace: Workspace, name: str | None, found: list[PromptVersion]) -> str:
    text = editor.key(workspace, name or "")
    if found:
        base = editor.prefill(text, found[0])
        if base.version < found[0].version:
            st.warning(
                _(
                    "{author} saved version {n} while you were writing; your draft starts from version {base}.",
                    author=session.escape(found[0].author or "–"),
                    n=found[0].version,
                    base=base.version,
                )
            )
    examples = sample.app().prompts if workspace.app.sample and name in (None, _example_name(workspace)) else ()
    if len(found) < len(examples) and not (name is None and prompts.names(workspace)):
        example = examples[len(found)]
        st.button(
            _("Use the example, version {n}", n=len(found) + 1),
            icon=":material/lightbulb:",
            key="use-example",
            on_click=start_from,
            args=(text, example.template, example.note),
        )
    draft = editor.show(text, editor.known(workspace))
    st.text_input(_("Note"), key=f"{text}-note", persist_state="session", placeholder=_("What is different, and why?"))
    st.button(
        _("Save as version {n}", n=found[0].version + 1 if found else 1),
        type="primary",
        key="save-prompt",
        icon=":material/save:",
        on_click=_save,
        args=(workspace, name),
        disabled=not _may_save(workspace),
    )
    return draft


def _show_try(workspace: Workspace, draft: str) -> None:
    st.subheader(_("Try it"), anchor=False)
    st.caption(
        _("The draft goes straight to the model; nothing is saved.")
        + (" " + _("The practice model answers.") if workspace.settings.practice else "")
    )
    question = st.text_area(
        _("Question"), "".join(workspace.app.smoke_questions[:1]), key=f"try-question-{workspace.app.id}", height=80
    )
    asked = st.button(
        _("Try"), key="try-prompt", icon=":material/play_arrow:", disabled=not audit.allowed(workspace, Verb.TRY_AGENT)
    )
    answered = f"try-answer-{workspace.app.id}"
    if not asked:
        st.markdown(st.session_state.get(answered, ""))
    elif not question.strip():
        st.warning(_("The question is empty. Write one first."))
    else:
        st.session_state[answered] = ""
        _stream(workspace, draft, question, answered)


def _stream(workspace: Workspace, draft: str, question: str, answered: str) -> None:
    """Draw the answer as it comes; an error in the middle leaves the rest of the page usable."""
    try:
        st.session_state[answered] = st.write_stream(
            map(editor.as_written, playground.stream(workspace, draft, question))
        )
    except ConsoleError as error:
        feedback.show_error(error)
