"""Who looks at which app in which language: the only state and the only caches of the pages."""

import os
import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from pages.components import choices
from services import apps, home, messages, people, settings
from services.messages import LANGUAGES, Message, mark, render
from services.people import Actor, seen
from services.releases import Release, State
from services.workspace import Platform, Workspace

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|>~$:<&@/])")
RELEASE_STATE = {
    State.PROPOSED: mark("proposed"),
    State.RUNNING: mark("on its way"),
    State.BLOCKED: mark("blocked"),
    State.FAILED: mark("failed"),
    State.STOPPED: mark("stopped"),
    State.UNPROVEN: mark("not proven"),
    State.LIVE: mark("went live"),
    State.TAKEN_BACK: mark("taken back"),
    State.WITHDRAWN: mark("withdrawn"),
}
JOB_KIND = {
    "log_agent": mark("Logging an agent"),
    "try_agent": mark("Trying an agent"),
    "check_agent": mark("Checking an agent's file"),
    "ask_servers": mark("Asking MCP servers for their tools"),
    "install_agent": mark("Trying an agent in a clean environment"),
    "evaluate": mark("Evaluation"),
    "release": mark("Release"),
    "tell_webhook": mark("Telling the webhook"),
    "tell_alert": mark("Telling an alert"),
    "watch_alerts": mark("Looking for alerts"),
    "score_live": mark("Scoring live traces"),
    "read_traces": mark("Reading traces for the charts"),
    "archive_traces": mark("Copying traces to the archive"),
    "tend_archive": mark("Looking after the archive"),
    "backfill_scorers": mark("Scoring older answers"),
    "try_scorer": mark("Trying a scorer"),
    "scorer_noise": mark("Judging answers twice"),
    "align_judge": mark("Aligning a judge"),
    "save_dataset": mark("Saving a dataset"),
    "label_traces": mark("Making a labeling session"),
    "sync_labels": mark("Bringing a labeling session into a dataset"),
    "vary_rows": mark("Writing variations of questions"),
    "improve_prompt": mark("Improving a prompt"),
    "tend_prompts": mark("Looking after the prompts"),
    "shut_down": mark("Shutting down an environment"),
    "rehearse": mark("Rehearsal"),
    "end_rehearsal": mark("Ending a rehearsal"),
    "verify_audit": mark("Checking the audit log"),
}
# What Streamlit says in English only, in the style sheet by name.
_STREAMLITS = {
    "choose": mark("Choose a file"),
    "drop": mark("or drop it here"),
    "here": mark("Drop it here"),
    "all": mark("Choose all"),
    "matches": mark("Choose all that match"),
    "new": mark("Take what was typed"),
    "none": mark("Nothing to choose"),
    "refused": mark(
        "This file cannot be taken: it is too large, or of a kind that is not named here. Remove it and choose another one."
    ),
}
# Streamlit offers no way to name the page's language, which screen readers and fonts go by, nor some colours and sizes.
_PAGE = st.components.v2.component(
    "page",
    css=(Path(__file__).parent / "page.css").read_text("utf-8"),
    js=(Path(__file__).parent / "page.js").read_text("utf-8"),
    isolate_styles=False,
)


@st.cache_resource(show_spinner=False)
def platform() -> Platform:
    """The connection of this server, prepared once; the first caller waits, the others wait with it."""
    return home.prepare(settings.load(os.environ))


def actor() -> Actor:
    """The person at this screen; raises SignInError for somebody who is not, or no longer, let in."""
    place = platform()
    who = people.identify(place.settings, st.context.headers, st.user.to_dict())
    if people.signed_out(place.engine, who):
        raise people.over()
    return who


def workspace() -> Workspace:
    """The chosen app in the name of the person who looks."""
    place = Workspace(platform(), actor())
    chosen = st.session_state.get("app")
    return place.for_app(apps.get(place, chosen)) if chosen else place


def choose_app(id: str) -> None:
    """Make `id` the app of this session and remember it for the next one."""
    st.session_state["app"] = id
    people.remember(Workspace(platform(), actor()), "app", id)


def choose_in_sidebar() -> None:
    """Draw the choice of app and language, and who is signed in."""
    place = Workspace(platform(), actor())
    seen.note(place)
    names = choices.apart({app.id: app.name for app in apps.all(place)})
    app, chosen = _app(place, list(names)), _language(place)
    with st.sidebar:
        shown = choices.seed("app", app, index=list(names).index(app) if app else None)
        if names:
            st.selectbox(
                _("App"),
                list(names),
                format_func=names.__getitem__,
                on_change=lambda: people.remember(place, "app", st.session_state["app"]),
                **shown,
            )
        spoken = choices.seed("language", chosen, index=list(LANGUAGES).index(chosen))
        st.selectbox(
            _("Language"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            on_change=_change_language,
            args=(place,),
            **spoken,
        )
        st.caption(_("Signed in as {person}", person=escape(place.actor.id)))


def _change_language(place: Workspace) -> None:
    choices.tell_again()
    people.remember(place, "language", st.session_state["language"])


def set_page_language() -> None:
    words = {name: text(words) for name, words in _STREAMLITS.items()}
    _PAGE(data={"language": language(), "words": words}, key="page-language")


def language() -> str:
    """The reader's language: chosen here, chosen before, or the browser's."""
    return str(st.session_state.get("language") or _browser_language())


def text(id: str, /, **values: Any) -> str:
    """A text of the screen in the reader's language."""
    return render(Message(id, **values), language())


_ = text


def say(message: Message | str) -> str:
    """A stored message in the reader's language and time zone."""
    return render(message, language(), _zone())


def joined(*sentences: str) -> str:
    """One after the other; after a Japanese full stop stands no blank."""
    return ("" if language() == "ja" else " ").join(filter(None, sentences))


def escape(text: str) -> str:
    """Outside text as it is: no markdown, no links, no pictures."""
    return MARKDOWN.sub(r"\\\1", text)


def moment(time: datetime) -> str:
    """A time in the viewer's zone, to the minute."""
    return messages.moment(time, _zone())


def seconds(value: float | None, digits: int = 2) -> str:
    """A duration; a dash when nobody knows it."""
    return "–" if value is None else _("{seconds} s", seconds=f"{value:.{digits}f}")


def millis(value: float) -> str:
    """A duration that the read model counts in milliseconds, nan when nobody knows it."""
    return seconds(None if value != value else value / 1000)


def money(dollars: float | None) -> str:
    """What MLflow counts in US dollars, in the chosen app's currency; a dash when nobody knows it."""
    return workspace().app.money.written(dollars)


def percent(share: float) -> str:
    """A share of one as a whole percentage."""
    return _("{n} %", n=f"{share * 100:.0f}")


def typed(time: datetime) -> datetime:
    """A time that was typed in the viewer's zone."""
    return time.replace(tzinfo=_zone())


def page(name: str) -> str:
    """The file of a screen, as links want it."""
    from pages.components.screens import SCREENS

    return next(one.file for one in SCREENS if one.name == name)


def number(name: str) -> int | None:
    """A number in the address; None when it is missing or no number that could count something of ours."""
    value = st.query_params.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 10 else None


def release_state(release: Release) -> str:
    if release.state is State.RUNNING and not release.working:
        return _("interrupted")
    if release.due_at:
        return _("planned")
    if release.held:
        return text(RELEASE_STATE[State.BLOCKED])
    return text(RELEASE_STATE[release.state])


def job_kind(kind: str) -> str:
    return text(JOB_KIND.get(kind, kind))


def _app(place: Workspace, ids: list[str]) -> str | None:
    """The app that the address names, else the one chosen here, else before; an archived or foreign app is left.

    A link in a message names its app: whoever watches several follows it to the right one.
    """
    named = st.query_params.pop("app", None)
    asked = named if named in ids else st.session_state.get("app")
    chosen = asked if asked in ids else people.remembered(place, "app")
    return chosen if chosen in ids else next(iter(ids), None)


def _language(place: Workspace) -> str:
    """Chosen here, chosen before, or the browser's."""
    return str(st.session_state.get("language") or people.remembered(place, "language") or _browser_language())


def _zone() -> tzinfo:
    """The browser's zone; UTC when it names none, or one this machine does not know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _browser_language() -> str:
    return "ja" if (st.context.locale or "").startswith("ja") else "en"
