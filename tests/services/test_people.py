"""Identity, roles and their file, and who was seen."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services import audit, people
from services.audit import Verb
from services.database import now
from services.errors import ForbiddenError, InvalidInputError, SignInError
from services.oidc import Oidc
from services.people import Actor, Role, listing, roles, seen
from services.workspace import Workspace

FILE = """[roles]
# "ann@example.com" was an admin once
viewer = ["vera@example.com"]
author = [
    "Ann@example.com",
]
approver = ["group:Leads"]
admin = ["root@example.com"]
"""


def rewrite(file, text):
    """Save it as an editor does; within one tick of the clock, the size alone may tell."""
    file.write_text(text)
    later = time.time_ns() + 1_000_000
    os.utime(file, ns=(later, later))


@pytest.fixture
def proxy(settings, tmp_path):
    file = tmp_path / "roles.toml"
    file.write_text(FILE)
    return replace(settings, identity="proxy", roles_file=file)


@pytest.fixture
def oidc(proxy):
    return replace(proxy, identity="oidc", oidc=Oidc(client_id="console"))


def claims(**other):
    told = {"is_logged_in": True, "iss": "https://id.example", "sub": "1", "aud": "console", "nonce": "n"}
    return told | {"email": "ann@example.com", "iat": time.time()} | other


def test_local_operator_has_every_role_whatever_the_headers_say(settings):
    headers = {"X-Forwarded-Email": "eve@example.com"}
    assert people.identify(settings, headers, claims(email="eve@example.com")) == Actor("ada", frozenset(Role))


@pytest.mark.parametrize("name", ["signalbox", "group:leads", "*", "x" * 300])
def test_a_reserved_name_is_refused(proxy, oidc, name):
    with pytest.raises(SignInError):
        people.identify(proxy, {"X-Forwarded-Email": name})
    with pytest.raises(SignInError):
        people.identify(oidc, {}, claims(email=name))


def test_proxy_without_identity_is_refused(proxy):
    with pytest.raises(SignInError):
        people.identify(proxy, {}, claims())


@pytest.mark.parametrize(
    ("email", "groups", "given"),
    [
        ("ann@example.com", "", {Role.VIEWER, Role.AUTHOR}),
        ("ANN@example.com", "Leads", {Role.VIEWER, Role.AUTHOR, Role.APPROVER}),
        ("bob@example.com", "", {Role.VIEWER}),
        ("root@example.com", "", set(Role)),
    ],
)
def test_roles_come_from_email_and_group(proxy, email, groups, given):
    actor = people.identify(proxy, {"X-Forwarded-Email": email, "X-Forwarded-Groups": groups})
    assert actor.roles == given


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ({}, {Role.VIEWER, Role.AUTHOR}),
        ({"aud": ["console", "other"], "email": " ANN@example.com"}, {Role.VIEWER, Role.AUTHOR}),
        ({"groups": ["leads", 7, ""]}, {Role.VIEWER, Role.AUTHOR, Role.APPROVER}),
        ({"groups": "LEADS"}, {Role.VIEWER, Role.AUTHOR, Role.APPROVER}),
        ({"email": "root@example.com"}, set(Role)),
    ],
)
def test_a_sign_in_gives_the_roles_of_the_file(oidc, told, given):
    actor = people.identify(oidc, {"X-Forwarded-Email": "root@example.com"}, claims(**told))
    assert actor.roles == given


def test_groups_come_from_the_claim_that_is_set(oidc):
    nested = replace(oidc, oidc=replace(oidc.oidc, groups_claim="realm_access.roles"))
    assert people.identify(nested, {}, claims(realm_access={"roles": ["leads"]})).groups == ("leads",)
    named = replace(oidc, oidc=replace(oidc.oidc, groups_claim="https://acme.example/groups"))
    assert people.identify(named, {}, claims(**{"https://acme.example/groups": ["leads"]})).groups == ("leads",)


@pytest.mark.parametrize(
    ("told", "words", "again"),
    [
        ({"is_logged_in": False}, "Sign in", True),
        ({"aud": "another"}, "another application", True),
        ({"aud": ["another"], "azp": "console"}, "another application", True),
        ({"iat": time.time() - 9 * 3600}, "over", True),
        ({"iat": None}, "over", True),
        ({"email": None}, "did not say your e-mail", False),
        ({"email_verified": False}, "has not confirmed", False),
        ({"email": "eve@example.com"}, "Ask root@example.com", False),
        # The sign of kelvin becomes a plain k in small letters, but is another person's.
        ({"email": "ann@\u212aelvin.example"}, "may not open", False),
    ],
)
def test_who_is_not_let_in_reads_why(oidc, told, words, again):
    with pytest.raises(SignInError) as refused:
        people.identify(oidc, {}, claims(**told))
    assert words in str(refused.value)
    assert refused.value.again is again


def test_the_file_names_whom_to_ask_and_may_let_everyone_look(oidc):
    rewrite(oidc.roles_file, 'contact = "the help desk"\n[roles]\nauthor = ["ann@example.com"]\n')
    with pytest.raises(SignInError) as refused:
        people.identify(oidc, {}, claims(email="eve@example.com"))
    assert "Ask the help desk" in str(refused.value)
    rewrite(oidc.roles_file, '[roles]\nviewer = ["*"]\n')
    assert people.identify(oidc, {}, claims(email="eve@example.com")).roles == {Role.VIEWER}


def test_a_job_gets_todays_roles(proxy):
    assert Role.AUTHOR in people.with_roles(proxy, "ann@example.com").roles
    rewrite(proxy.roles_file, '[roles]\nadmin = ["root@example.com"]\n')
    assert people.with_roles(proxy, "ann@example.com").roles == {Role.VIEWER}


def test_a_screen_that_stays_open_loses_a_role_at_once(bare_workspace, proxy):
    place = Workspace(replace(bare_workspace.platform, settings=proxy), people.identify(proxy, {"X-Forwarded-Email": "ann@example.com"}))  # fmt: skip
    audit.require(place, Verb.SAVE_PROMPT)
    rewrite(proxy.roles_file, '[roles]\nadmin = ["root@example.com"]\n')
    with pytest.raises(ForbiddenError) as refused:
        audit.require(place, Verb.SAVE_PROMPT)
    assert "Ask root@example.com to add you" in str(refused.value)


def test_a_sign_in_that_ended_writes_no_more(bare_workspace, oidc):
    platform = replace(bare_workspace.platform, settings=oidc)
    here, elsewhere = (
        Workspace(platform, people.identify(oidc, {}, claims(nonce=nonce))) for nonce in ("here", "elsewhere")
    )
    people.sign_out(here)
    with pytest.raises(SignInError):
        audit.require(here, Verb.SAVE_PROMPT)
    audit.require(elsewhere, Verb.SAVE_PROMPT)
    late = replace(here.actor, sign_in=replace(elsewhere.actor.sign_in, until=datetime.now(UTC)))
    with pytest.raises(SignInError):
        audit.require(replace(here, actor=late), Verb.SAVE_PROMPT)


@pytest.mark.parametrize(
    "text",
    [
        "[roles",
        '[roles]\nking = ["a@b"]\n',
        '[roles]\nadmin = "a@b"\n',
        '[roles]\nadmin = ["*"]\n',
        '[roles]\nadmin = [" *"]\n',
        "roles = 1\n",
        "",
        "[roles]\nadmin = []\n",
        '[role]\nadmin = ["a@b"]\n',
    ],
)
def test_a_broken_roles_file_leaves_the_last_good_one_in_force(proxy, text, caplog):
    assert people.roles_file(proxy).trouble is None
    rewrite(proxy.roles_file, text)
    assert Role.AUTHOR in people.with_roles(proxy, "ann@example.com").roles
    assert "cannot be read" in str(people.roles_file(proxy).trouble)
    people.roles_file(proxy)
    assert len(caplog.records) == 1
    roles._kept.clear()  # as in a process that starts now
    assert Role.AUTHOR in people.with_roles(proxy, "ann@example.com").roles
    rewrite(proxy.roles_file, '[roles]\nviewer = ["*"]\n')
    assert people.roles_file(proxy).trouble is None
    assert people.with_roles(proxy, "ann@example.com").roles == {Role.VIEWER}


def test_a_roles_file_that_never_was_good_is_named(proxy, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("[roles")
    with pytest.raises(InvalidInputError, match="roles file"):
        people.with_roles(replace(proxy, roles_file=other), "ann@example.com")


def test_a_roles_file_that_went_away_leaves_the_roles(proxy):
    people.roles_file(proxy)
    proxy.roles_file.unlink()
    assert Role.AUTHOR in people.with_roles(proxy, "ann@example.com").roles


def test_a_file_that_can_be_read_again_counts_again_unchanged(proxy, monkeypatch):
    def refuse(self, *args):
        raise PermissionError(13, "Permission denied")

    people.roles_file(proxy)
    rewrite(proxy.roles_file, '[roles]\nadmin = ["ann@example.com"]\n')
    with monkeypatch.context() as patch:
        patch.setattr(type(proxy.roles_file), "read_text", refuse)
        assert "Permission denied" in str(people.roles_file(proxy).trouble)
    assert Role.ADMIN in people.with_roles(proxy, "ann@example.com").roles


@pytest.mark.parametrize("kept", ["{}", "[]", '{"text": 1}', "{"])
def test_a_damaged_copy_of_the_last_roles_is_none(proxy, kept):
    proxy.roles_file.write_text("")
    copy = proxy.run_folder / "roles.last.json"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(kept)
    with pytest.raises(InvalidInputError, match="names nobody"):
        people.roles_file(proxy)


def test_admins_see_who_came_by_which_line(bare_workspace, proxy):
    platform = replace(bare_workspace.platform, settings=proxy)
    for email, groups in (("ann@example.com", "leads"), ("bob@example.com", ""), ("root@example.com", "")):
        headers = {"X-Forwarded-Email": email, "X-Forwarded-Groups": groups}
        seen.note(Workspace(platform, people.identify(proxy, headers)))
    admin = Workspace(platform, people.identify(proxy, {"X-Forwarded-Email": "root@example.com"}))
    found = {one.id: one for one in listing.known(admin)}
    assert [(one.role, one.line) for one in found["ann@example.com"].entries] == [(Role.AUTHOR, 5), (Role.APPROVER, 7)]
    assert found["bob@example.com"].entries == () and found["bob@example.com"].roles == {Role.VIEWER}
    assert [one.member for one in listing.unseen(admin)] == ["vera@example.com"]
    for look in (listing.known, listing.unseen):
        with pytest.raises(ForbiddenError):
            look(replace(admin, actor=people.with_roles(proxy, "ann@example.com", ["leads"])))


def test_a_person_is_written_down_again_only_after_a_while(bare_workspace, monkeypatch):
    seen.note(bare_workspace)
    first = listing.known(bare_workspace)[0]
    seen.note(bare_workspace)
    assert listing.known(bare_workspace) == (first,)
    monkeypatch.setattr(seen, "now", lambda: now() + timedelta(minutes=6))
    seen.note(bare_workspace)
    assert listing.known(bare_workspace)[0].last_seen > first.last_seen
    assert listing.known(bare_workspace)[0].first_seen == first.first_seen


def test_a_job_counts_the_groups_of_the_last_sign_in(bare_workspace, proxy):
    platform = replace(bare_workspace.platform, settings=proxy)
    assert seen.groups_of(platform.engine, "ann@example.com", ("old",)) == ("old",)
    headers = {"X-Forwarded-Email": "ann@example.com", "X-Forwarded-Groups": "new"}
    seen.note(Workspace(platform, people.identify(proxy, headers)))
    assert seen.groups_of(platform.engine, "ann@example.com", ("old",)) == ("new",)


def test_reviewers_are_those_named_one_by_one(proxy):
    assert people.reviewers(proxy) == ["root@example.com"]
