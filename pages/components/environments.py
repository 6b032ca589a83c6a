"""The choice among the app's environments, each with what stands there now."""

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
    key, asked = f"environment/{workspace.app.id}", st.query_params.get(ADDRESS)
    st.session_state[key] = next((stage for stage in places if stage == asked), Stage.PRODUCTION)
    # Not a segmented control: on the dark theme its chosen segment is too faint to read.
    st.radio(
        _("Environment"),
        list(places),
        format_func=lambda stage: _(apps.TITLE[stage]),
        captions=[release_pairs.told(releases.live(place).pair) for place in places.values()],
        key=key,
        horizontal=True,
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


def _choose(key: str) -> None:
    st.query_params[ADDRESS] = st.session_state[key].value
