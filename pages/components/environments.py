"""The app's environments as fixed buttons, each with what stands there now."""

import streamlit as st

from pages.components import release_pairs, session
from services import apps, releases
from services.apps import Stage
from services.releases import Release
from services.workspace import Workspace

_ = session.text
ADDRESS = "environment"


def choose(workspace: Workspace) -> Workspace:
    """The workspace in the environment that the address or a click names; production where nobody says otherwise."""
    places = {one.app.environment.stage: one for one in apps.everywhere(workspace)}
    if len(places) == 1:
        return workspace
    key, stands = f"environment/{workspace.app.id}", {stage: _stands(place) for stage, place in places.items()}
    asked = st.query_params.get(ADDRESS)
    st.session_state[key] = next((stage for stage in places if stage == asked), Stage.PRODUCTION)
    st.segmented_control(
        _("Environment"),
        list(places),
        format_func=lambda stage: f"{_(apps.TITLE[stage])} · {stands[stage]}",
        key=key,
        required=True,
        on_change=_choose,
        args=(key,),
    )
    return places[st.session_state[key]]


def badge(release: Release) -> str:
    """Where a release went; nothing for production, where most go."""
    return "" if release.stage is Stage.PRODUCTION else f":violet-badge[{_(apps.TITLE[release.stage])}]"


def open_at(stage: Stage, **asked: str) -> None:
    """Let the address show the Releases screen in that environment."""
    st.query_params.from_dict({ADDRESS: stage.value, **asked})


def _stands(place: Workspace) -> str:
    return release_pairs.told(releases.live(place).pair)


def _choose(key: str) -> None:
    st.query_params[ADDRESS] = st.session_state[key].value
