"""The list of screens; the folders of `pages` are the sections of the side bar."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from pages.components import session
from services.messages import mark


@dataclass(frozen=True)
class Screen:
    """One entry of the side bar; `file` is relative to `pages`."""

    name: str
    section: str
    title: str
    icon: str

    @property
    def file(self) -> str:
        return f"{self.section}/{self.name}.py"


SECTIONS = {
    "overview": mark("Overview"),
    "author": mark("Author"),
    "evaluate": mark("Evaluate"),
    "operate": mark("Operate"),
    "admin": mark("Admin"),
}
SCREENS = (
    Screen("home", "overview", mark("Home"), ":material/home:"),
    Screen("search", "overview", mark("Search"), ":material/search:"),
    Screen("prompts", "author", mark("Prompts"), ":material/edit_note:"),
    Screen("playground", "author", mark("Playground"), ":material/science:"),
    Screen("agents", "author", mark("Agents"), ":material/smart_toy:"),
    Screen("datasets", "evaluate", mark("Datasets"), ":material/dataset:"),
    Screen("scorers", "evaluate", mark("Scorers"), ":material/rule:"),
    Screen("evaluations", "evaluate", mark("Evaluations"), ":material/grading:"),
    Screen("reviews", "evaluate", mark("Reviews"), ":material/rate_review:"),
    Screen("releases", "operate", mark("Releases"), ":material/train:"),
    Screen("endpoints", "operate", mark("Endpoints"), ":material/dns:"),
    Screen("monitoring", "operate", mark("Monitoring"), ":material/monitoring:"),
    Screen("alerts", "operate", mark("Alerts"), ":material/notifications:"),
    Screen("traces", "operate", mark("Traces"), ":material/account_tree:"),
    Screen("apps", "admin", mark("Apps"), ":material/apps:"),
    Screen("connection", "admin", mark("Connection"), ":material/cable:"),
    Screen("people", "admin", mark("People"), ":material/group:"),
    Screen("audit", "admin", mark("Audit log"), ":material/history_edu:"),
    Screen("jobs", "admin", mark("Jobs"), ":material/pending_actions:"),
)


def named(name: str) -> Screen:
    """The screen of this name."""
    return next(one for one in SCREENS if one.name == name)


def navigation() -> dict[str, list[StreamlitPage]]:
    """The screens by section, in the reader's language."""
    return {
        session.text(title): [
            st.Page(
                one.file, title=session.text(one.title), icon=one.icon, url_path=one.name, default=one.name == "home"
            )
            for one in SCREENS
            if one.section == section
        ]
        for section, title in SECTIONS.items()
    }


def show_links(place: DeltaGenerator, pages: dict[str, list[StreamlitPage]]) -> None:
    """The links of the side bar; Streamlit's own keep the open item in the address of the screen they lead to."""
    for section, entries in pages.items():
        place.caption(section)
        for one in entries:
            place.page_link(one)
