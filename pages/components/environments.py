"""The choice among the app's environments, each with what stands there now."""

import streamlit as st

from pages.components import release_pairs, session
from services import apps, releases
from services.apps import Stage
from services.errors import ConsoleError
from services.releases import Release
from services.workspace import Workspace

_ = session.text
ADDRESS = "environment"


def chosen(workspace: Workspace) -> Workspace:
    """The workspace in the environment that the address or a click names; production where nobody says otherwise."""
    places, asked = _places(workspace), st.query_params.get(ADDRESS)
    return next((place for stage, place in places.items() if stage == asked), places[Stage.PRODUCTION])


def show(workspace: Workspace) -> None:
    """The choice, for an app that has several; an emergency stop is drawn before it, because this asks MLflow."""
    places = _places(workspace)
    if len(places) == 1:
        return
    key = f"environment/{workspace.app.id}"
    st.session_state[key] = workspace.app.environment.stage
    # Not a segmented control: on the dark theme its chosen segment is too faint to read.
    st.radio(
        _("Environment"),
        list(places),
        format_func=lambda stage: _(apps.TITLE[stage]),
        captions=[_stands(place) for place in places.values()],
        key=key,
        horizontal=True,
        on_change=_choose,
        args=(key,),
    )


def badge(release: Release) -> str:
    """Where a release went; nothing for production, where most go."""
    return "" if release.stage is Stage.PRODUCTION else f":violet-badge[{_(apps.TITLE[release.stage])}]"


def open_at(stage: Stage, **asked: str) -> None:
    """Let the address show the Releases screen in that environment."""
    st.query_params.from_dict({ADDRESS: stage.value, **asked})


def _places(workspace: Workspace) -> dict[Stage, Workspace]:
    return {one.app.environment.stage: one for one in apps.everywhere(workspace)}


def _stands(place: Workspace) -> str:
    """What answers there; an environment that cannot be asked keeps nobody from the others."""
    try:
        return release_pairs.told(releases.live(place).pair)
    except ConsoleError:
        return "–"


def _choose(key: str) -> None:
    st.query_params[ADDRESS] = st.session_state[key].value
