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
# What the noun of a screen is, in one sentence, where the screen itself does not begin with it.
ABOUT = {
    "rehearsal": mark("In a rehearsal you find and mend faults in a practice copy of the app, and hear how it went."),
    "prompts": mark("A prompt is what the assistant is told; each saved version stays as it is, and one of them is live."),
    "agents": mark("An agent is the program that asks the model; each version is logged with its prompt, settings and packages."),
    "datasets": mark("A dataset is a list of questions on which answers are judged; its critical ones may never get worse."),
    "evaluations": mark("An evaluation asks one agent and prompt version every question of a dataset and lets scorers judge the answers."),
    "reviews": mark("In a review people judge answers one after the other; a queue says which answers, and what is asked about each."),
    "releases": mark("A release moves one version into production: interlocks check it, people approve it, and a trace of the live endpoint proves it."),
    "endpoints": mark("An endpoint is the address at which agent versions answer; its traffic decides which version gets how many of the questions."),
    "monitoring": mark("How live traffic does: how much is asked, how long it takes, and what production scorers and people think of the answers."),
    "alerts": mark("An alert tells people that production has left the limits of a rule."),
    "traces": mark("A trace is one question with its answer and everything that happened in between; its origin says who asked."),
    "connection": mark("What the console is connected to, and whether each part of it works."),
    "people": mark("Who was here, with which roles, and what each role may do."),
    "audit": mark("Every change and who made it, when and why; each line carries the hash of the one before, so that none can be altered unseen."),
    "jobs": mark("A job is long work that the worker does: it goes on when you close the page, and after a crash."),
}  # fmt: skip
# What an address says once one thing is open, or is being made: who is there knows what it is, and needs the room.
OPENED = frozenset({"agent", "dataset", "new", "import", "prompt", "queue", "release", "run", "trace"})
SCREENS = (
    Screen("home", "overview", mark("Home"), ":material/home:"),
    Screen("search", "overview", mark("Search"), ":material/search:"),
    Screen("rehearsal", "overview", mark("Rehearsal"), ":material/school:"),
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


def show_title(name: str) -> None:
    """The screen's title and, until one thing of it is open, what its noun is."""
    st.title(session.text(named(name).title), anchor=False)
    if not OPENED & set(st.query_params):
        st.caption(session.text(ABOUT[name]))


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
