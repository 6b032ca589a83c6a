"""Who is acting: identity from the environment, a sign-in or trusted proxy headers; roles from one file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, select

from services.database import draft, writing
from services.errors import SignInError
from services.messages import Message
from services.people import claims as told
from services.people import roles as file
from services.people import seen
from services.people.roles import ALL_ROLES, EVERYONE, ROLE_NAME, Entry, Role, Roles, folded
from services.settings import Settings

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "ALL_ROLES",
    "CONSOLE",
    "EVERYONE",
    "ROLE_NAME",
    "Actor",
    "Entry",
    "Role",
    "Roles",
    "SignIn",
    "check_still_signed_in",
    "contact",
    "identify",
    "over",
    "remember",
    "remembered",
    "reviewers",
    "roles_file",
    "sign_out",
    "signed_out",
    "whom_to_ask",
    "with_roles",
]
LONGEST_NAME = 254


@dataclass(frozen=True)
class SignIn:
    """How long a person at a screen is let in; by a proxy's headers, for as long as the page stays open."""

    key: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Actor:
    """A person, or the console itself, as the audit log names it; `sign_in` only for who came by a browser."""

    id: str
    roles: frozenset[Role]
    groups: tuple[str, ...] = ()
    sign_in: SignIn | None = field(default=None, compare=False)


CONSOLE = Actor("signalbox", ALL_ROLES)


def identify(settings: Settings, headers: Mapping[str, str], claims: Mapping[str, Any] | None = None) -> Actor:
    """The person behind a request: `claims` are those of a sign-in whose signature was checked.

    Raises SignInError when it names nobody, somebody whose time is over, or somebody who may not enter.
    """
    if settings.identity == "local":
        return Actor(settings.operator, ALL_ROLES)
    if settings.identity == "oidc":
        return _by_claims(settings, claims or {})
    name = folded(headers.get(settings.email_header) or "")
    if not name:
        raise SignInError(
            Message("The sign-in proxy did not say who you are."),
            Message("Open the console through your organisation's address, not directly."),
        )
    groups = tuple(part.strip() for part in (headers.get(settings.groups_header) or "").split(",") if part.strip())
    return _let_in(settings, name, groups, SignIn())


def with_roles(settings: Settings, id: str, groups: Iterable[str] = ()) -> Actor:
    """The actor with today's roles; a job that was submitted earlier runs with these, not with yesterday's."""
    if id == CONSOLE.id:
        return CONSOLE
    if settings.identity == "local":
        return Actor(id, ALL_ROLES)
    roles = {entry.role for entry in roles_file(settings).matching(id, groups)}
    if Role.ADMIN in roles:
        roles = set(ALL_ROLES)
    # Whom the proxy lets through may look; a sign-in service may know the whole world.
    if roles or settings.identity == "proxy":
        roles.add(Role.VIEWER)
    return Actor(id, frozenset(roles), tuple(groups))


def check_still_signed_in(settings: Settings, engine: Engine, actor: Actor) -> frozenset[Role]:
    """The roles that a person at a screen has at this moment, never more than when the screen was drawn.

    Raises SignInError when the sign-in is over meanwhile. Jobs and the console itself keep what they began with.
    """
    if actor.sign_in is None:
        return actor.roles
    _check_time(actor.sign_in)
    if signed_out(engine, actor):
        raise over()
    return actor.roles & with_roles(settings, actor.id, actor.groups).roles


def signed_out(engine: Engine, actor: Actor) -> bool:
    """Whether this sign-in was ended by the person, here or in another tab."""
    return actor.sign_in is not None and actor.sign_in.key != "" and seen.ended(engine, actor.sign_in.key)


def sign_out(workspace: "Workspace") -> None:
    """End this sign-in, in every tab and wherever its cookie was copied to; others of the same person stay."""
    sign_in = workspace.actor.sign_in
    if sign_in is not None and sign_in.until is not None:
        seen.end(workspace.engine, sign_in.key, sign_in.until)


def roles_file(settings: Settings) -> Roles:
    """What the roles file says today; nothing where everyone has every role."""
    if settings.identity == "local" or settings.roles_file is None:
        return Roles(())
    return file.read(settings.roles_file, settings.home)


def contact(settings: Settings) -> Message | str:
    """Whom somebody may ask who has not signed in: the file's `contact`, and no name of a person."""
    return roles_file(settings).contact or Message("an admin")


def whom_to_ask(settings: Settings) -> Message | str:
    """Who gives roles here: the file's `contact`, else the admins that it names one by one."""
    roles = roles_file(settings)
    return roles.contact or ", ".join(roles.named(Role.ADMIN)[:3]) or Message("an admin")


def reviewers(settings: Settings) -> list[str]:
    """Who the roles file names one by one as a reviewer or admin; members of groups are not known by name."""
    if settings.identity == "local":
        return [settings.operator]
    roles = roles_file(settings)
    return sorted({*roles.named(Role.REVIEWER), *roles.named(Role.ADMIN)})


def remembered(workspace: "Workspace", what: str) -> str | None:
    """What this person chose last time (language, app); None when nothing was chosen."""
    with workspace.engine.connect() as connection:
        return connection.execute(select(draft.c.value).where(_choice(workspace, what))).scalar()


def remember(workspace: "Workspace", what: str, value: str) -> None:
    """Keep a choice of how the console looks to this person; it changes nothing for others, so no audit line."""
    with writing(workspace.engine) as connection:
        connection.execute(delete(draft).where(_choice(workspace, what)))
        connection.execute(insert(draft).values(app_id="", actor=workspace.actor.id, subject=what, value=value))


def _choice(workspace: "Workspace", what: str) -> ColumnElement[bool]:
    return and_(draft.c.app_id == "", draft.c.actor == workspace.actor.id, draft.c.subject == what)


def _by_claims(settings: Settings, claims: Mapping[str, Any]) -> Actor:
    if not claims.get("is_logged_in"):
        raise SignInError(Message("Sign in to open the console."), again=True)
    sign_in = SignIn(told.key(claims), told.until(settings.oidc, claims))
    _check_time(sign_in)
    name = told.email(settings.oidc, claims)
    return _let_in(settings, name, told.groups(settings.oidc, claims), sign_in)


def _let_in(settings: Settings, name: str, groups: tuple[str, ...], sign_in: SignIn) -> Actor:
    if name in (CONSOLE.id, EVERYONE) or name.startswith("group:") or len(name) > LONGEST_NAME:
        raise SignInError(
            Message("The name “{name}” is reserved.", name=name[:LONGEST_NAME]),
            Message("Ask an admin to sign you in by your e-mail."),
        )
    actor = with_roles(settings, name, groups)
    if not actor.roles:
        raise SignInError(
            Message("You are signed in as {person}, who may not open this console.", person=name),
            Message("Ask {whom} to add you to the roles file.", whom=whom_to_ask(settings)),
        )
    return Actor(actor.id, actor.roles, groups, sign_in)


def _check_time(sign_in: SignIn) -> None:
    if sign_in.until is not None and sign_in.until <= datetime.now(UTC):
        raise over()


def over() -> SignInError:
    """For a sign-in that has ended."""
    return SignInError(Message("Your sign-in is over."), Message("Sign in again. Drafts are kept."), again=True)
