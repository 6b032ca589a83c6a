"""Write a prompt, try it, save it as a version, see what a version changes."""

import streamlit as st

from pages.components import diff, editor, feedback, session
from services import audit, playground, prompts, sample
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.prompts import PromptVersion

_ = session.text
FIRST_SHOWN = 10
LONGEST_NOTE = 200


def open_prompt(name: str | None) -> None:
    """Make the address name this prompt; None opens the form of a new one."""
    for param in ("new", "prompt", "version", "against"):
        st.query_params.pop(param, None)
    st.query_params["prompt" if name else "new"] = name or "1"


def save(name: str | None) -> None:
    # A click may overtake what was just typed: the draft is read here, not taken from the last run.
    text = editor.key(workspace, name or "")
    name = name or st.session_state[NAME].strip()
    with feedback.action(Message("Saved a new version of {name}. Evaluate it, then release it.", name=name)):
        prompts.save(workspace, name, st.session_state[text], st.session_state[f"{text}-note"].strip())
        editor.restart(text)
        open_prompt(name)


def start_from(text: str, template: str, note: str) -> None:
    st.session_state[text], st.session_state[f"{text}-note"] = template, note


def choose(names: list[str]) -> str | None:
    """The prompt that the address names, else the first one; None while a new one is written."""
    if not names or "new" in st.query_params:
        return None
    asked = st.query_params.get("prompt", names[0])
    if asked not in names:
        st.warning(_("There is no prompt “{name}” in this app. Choose one from the list.", name=session.escape(asked)))
        asked = st.query_params["prompt"] = names[0]
    key = f"prompt-{workspace.app.id}"
    st.session_state[key] = asked
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(_("Prompt"), names, key=key, on_change=lambda: open_prompt(st.session_state[key]))
        st.button(
            _("New prompt"),
            icon=":material/add:",
            key="new-prompt",
            on_click=open_prompt,
            args=(None,),
            disabled=not may_save,
        )
    return chosen


def ask_name(names: list[str]) -> None:
    st.subheader(_("New prompt"), anchor=False)
    if names:
        st.button(
            _("Back to the prompts"), icon=":material/arrow_back:", key="back", on_click=open_prompt, args=(names[0],)
        )
    else:
        st.info(_("There is no prompt yet. Write what the assistant is told and save it: that makes version 1."))
    st.text_input(
        _("Name"),
        "" if names else example_name or workspace.app.id,
        key=NAME,
        help=_("Letters, digits, hyphens and underscores. It cannot be changed later."),
    )


def show_editor(name: str | None, found: list[PromptVersion]) -> str:
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
    examples = sample.app().prompts if workspace.app.sample and name in (None, example_name) else ()
    if len(found) < len(examples) and not (name is None and names):
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
        on_click=save,
        args=(name,),
        disabled=not may_save,
    )
    return draft


def show_try(draft: str) -> None:
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
        stream(draft, question, answered)


def stream(draft: str, question: str, answered: str) -> None:
    """Draw the answer as it comes; an error in the middle leaves the rest of the page usable."""
    try:
        st.session_state[answered] = st.write_stream(
            map(editor.as_written, playground.stream(workspace, draft, question))
        )
    except ConsoleError as error:
        feedback.show_error(error)


def show_history(name: str, found: list[PromptVersion]) -> None:
    st.subheader(_("Versions"), anchor=False)
    everything = len(found) > FIRST_SHOWN and st.toggle(_("Show all versions ({n})", n=len(found)), key="all-versions")
    for one in found if everything else found[:FIRST_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                _("**Version {n}**", n=one.version) + (f" :green-badge[{_('live')}]" if one.live else ""),
                width="content",
            )
            st.markdown(session.escape(one.note[:LONGEST_NOTE].replace("\n", " ")) or "–")
            st.caption(f"{session.escape(one.author or '–')} · {session.moment(one.created_at)}", width="content")
            st.button(
                _("Write from it"),
                key=f"from-{one.version}",
                on_click=start_from,
                disabled=not may_save,
                args=(editor.key(workspace, name), one.template, ""),
            )


workspace = session.workspace()
NAME = f"prompt-name-{workspace.app.id}"
example_name = sample.app().prompt_name if workspace.app.sample else None
may_save = audit.allowed(workspace, Verb.SAVE_PROMPT)
st.title(_("Prompts"), anchor=False)
names = prompts.names(workspace)
chosen = choose(names)
if chosen is None:
    ask_name(names)
found = prompts.history(workspace, chosen) if chosen else []
writing, trying = st.columns([3, 2], gap="large")
with writing:
    draft = show_editor(chosen, found)
with trying:
    show_try(draft)
if chosen:
    show_history(chosen, found)
    st.subheader(_("What a version changes"), anchor=False)
    diff.choose(found, editor.known(workspace))
