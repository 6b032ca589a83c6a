"""The Review App of the app's experiment and its labeling sessions, as they are there: short questions that change nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.errors import NotFoundError
from services.messages import Message
from services.platforms.databricks import access as access_to
from services.platforms.databricks import links, rest
from services.platforms.databricks.rest import Rest

if TYPE_CHECKING:
    from services.workspace import Workspace

APPS = "2.0/managed-evals/review-apps"
DOING = Message("Reading the labeling sessions")
DONE, ASIDE = "COMPLETED", "SKIPPED"
# The SDKs give every Review App these from the start.
BUILT_IN = ("expected_facts", "guidelines", "expected_response")
MOST_COUNTED = 10


@dataclass(frozen=True)
class Session:
    """Answers that some people judge in the Review App; `asks` are the names of its label schemas."""

    id: str
    name: str
    people: tuple[str, ...]
    asks: tuple[str, ...]
    app: str
    page: str


@dataclass(frozen=True)
class Progress:
    """How many answers people judged to the end, and how many they skipped; `traces` are all, `judged` the former's."""

    total: int
    done: int
    aside: int
    traces: tuple[str, ...]
    judged: tuple[str, ...]


def all(workspace: "Workspace") -> list[tuple[Session, Progress | None]]:
    """The sessions of the app's experiment; only the first MOST_COUNTED say how far they are, each by one question more."""
    with rest.asking(access_to.of(workspace), DOING) as there:
        found = _sessions(there, workspace)
        return [(one, _progress(there, one) if place < MOST_COUNTED else None) for place, one in enumerate(found)]


def listed(workspace: "Workspace") -> list[Session]:
    """The sessions alone."""
    with rest.asking(access_to.of(workspace), DOING) as there:
        return _sessions(there, workspace)


def get(workspace: "Workspace", id: str) -> tuple[Session, Progress]:
    """One session of this app as far as it is; raises NotFoundError."""
    with rest.asking(access_to.of(workspace), DOING) as there:
        found = next((one for one in _sessions(there, workspace) if one.id == id), None)
        if found is not None:
            return found, _progress(there, found)
    raise missing(id)


def missing(id: str) -> NotFoundError:
    return NotFoundError(
        Message("There is no labeling session {id} in this app.", id=id), Message("Choose one from the list.")
    )


def schemas(workspace: "Workspace") -> dict[str, str]:
    """What the experiment's Review App can ask, by name with its title; before there is one, what it will begin with."""
    with rest.asking(access_to.of(workspace), DOING) as there:
        app = _app(there, workspace)
    known = (app or {}).get("labeling_schemas") or []
    return {str(one["name"]): str(one.get("title") or one["name"]) for one in known} or {one: one for one in BUILT_IN}


def _app(there: Rest, workspace: "Workspace") -> dict[str, Any] | None:
    found = there.get(APPS, filter=f"experiment_id={workspace.app.experiment_id}").get("review_apps") or []
    return dict(found[0]) if found else None


def _sessions(there: Rest, workspace: "Workspace") -> list[Session]:
    app = _app(there, workspace)
    if app is None:
        return []
    id, access = str(app["review_app_id"]), access_to.of(workspace)
    return [
        Session(
            id=str(one["labeling_session_id"]),
            name=str(one.get("name") or one["labeling_session_id"]),
            people=tuple(one.get("assigned_users") or ()),
            asks=tuple(str(schema["name"]) for schema in one.get("labeling_schemas") or ()),
            app=id,
            page=links.labeling_session(access, id, str(one["labeling_session_id"])),
        )
        for one in _pages(there, f"{APPS}/{id}/labeling-sessions", "labeling_sessions")
    ]


def _progress(there: Rest, session: Session) -> Progress:
    items = list(_pages(there, f"{APPS}/{session.app}/labeling-sessions/{session.id}/items", "items"))
    done = [one for one in items if one.get("state") == DONE]
    return Progress(
        total=len(items),
        done=len(done),
        aside=sum(one.get("state") == ASIDE for one in items),
        traces=tuple(dict.fromkeys(id for one in items for id in _traces(one))),
        judged=tuple(dict.fromkeys(id for one in done for id in _traces(one))),
    )


def _traces(item: dict[str, Any]) -> list[str]:
    """The traces that stand for an item, those of a conversation included."""
    source = (item.get("source") or {}).get("trace_id")
    rounds = [one.get("trace_id") for one in item.get("chat_rounds") or []]
    return [str(id) for id in (source, *rounds) if id]


def _pages(there: Rest, path: str, name: str) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        page = there.get(path, page_size=500, **({"page_token": token} if token else {}))
        yield from page.get(name) or []
        token = str(page.get("next_page_token") or "")
        if not token:
            return
