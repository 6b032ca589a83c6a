"""Identity and roles."""

from dataclasses import replace

import pytest

from services import people
from services.errors import ForbiddenError, InvalidInputError
from services.people import Role


@pytest.fixture
def proxy(settings, tmp_path):
    file = tmp_path / "roles.toml"
    file.write_text('[roles]\nauthor = ["Ann@example.com"]\napprover = ["group:leads"]\nadmin = ["root@example.com"]\n')
    return replace(settings, identity="proxy", roles_file=file)


def test_local_operator_has_every_role(settings):
    assert people.identify(settings, {}) == people.Actor("ada", frozenset(Role))


@pytest.mark.parametrize("name", ["signalbox", "group:leads"])
def test_a_reserved_name_is_refused(proxy, name):
    with pytest.raises(ForbiddenError):
        people.identify(proxy, {"X-Forwarded-Email": name})


def test_proxy_without_identity_is_refused(proxy):
    with pytest.raises(ForbiddenError):
        people.identify(proxy, {})


@pytest.mark.parametrize(
    ("email", "groups", "roles"),
    [
        ("ann@example.com", "", {Role.VIEWER, Role.AUTHOR}),
        ("ANN@example.com", "Leads", {Role.VIEWER, Role.AUTHOR, Role.APPROVER}),
        ("bob@example.com", "", {Role.VIEWER}),
        ("root@example.com", "", set(Role)),
    ],
)
def test_roles_come_from_email_and_group(proxy, email, groups, roles):
    actor = people.identify(proxy, {"X-Forwarded-Email": email, "X-Forwarded-Groups": groups})
    assert actor.roles == roles


def test_a_job_gets_todays_roles(proxy):
    proxy.roles_file.write_text("[roles]\n")
    assert people.with_roles(proxy, "ann@example.com").roles == {Role.VIEWER}


@pytest.mark.parametrize("text", ["[roles", '[roles]\nking = ["a@b"]\n'])
def test_a_broken_roles_file_is_named(proxy, text):
    proxy.roles_file.write_text(text)
    with pytest.raises(InvalidInputError, match="roles file"):
        people.with_roles(proxy, "ann@example.com")
