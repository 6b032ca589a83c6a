"""Behind a proxy: its headers or nothing; and what a browser sends that no screen of this person offers."""

import pytest
from sqlalchemy import select

from pages.components.screens import SCREENS
from services import database
from services import settings as settings_module
from services.audit import ROLE_OF, Verb
from services.database import event_log, job
from services.people import Role
from tests.sign_in.browser import Browser, refused

VERA, ROOT = "vera@example.com", "root@example.com"
TABS = ("gate", "approval", "canary", "environments", "new", "archived")
PLACES = (
    *(("" if one.name == "home" else one.name, "") for one in SCREENS),
    *(("apps", f"view={tab}") for tab in TABS),
)


@pytest.fixture(scope="module")
def engine(behind_proxy):
    return database.connect(settings_module.load(behind_proxy.environ).database_url)


def done_by(engine, person):
    """What the person wrote, by the audit log, and the jobs they began."""
    with engine.connect() as connection:
        verbs = connection.execute(select(event_log.c.verb).where(event_log.c.actor == person)).scalars().all()
        jobs = connection.execute(select(job.c.kind).where(job.c.actor == person)).scalars().all()
    return [*verbs, *jobs]


def test_without_the_proxys_header_nothing_answers(behind_proxy, browse):
    stranger = browse(behind_proxy)
    for path in ("/", "/prompts", "/media/x", "/_stcore/host-config", "/auth/login", "/oauth2callback", "/api/nothing"):
        assert stranger.get(path).status_code == 401
    assert stranger.get("/api/ready").status_code == 200
    assert refused(stranger)


def test_a_header_that_comes_twice_is_refused(behind_proxy):
    browser = Browser(behind_proxy.url)
    twice = [("X-Forwarded-Email", VERA), ("X-Forwarded-Email", ROOT)]
    assert browser.http.get("/", headers=twice).status_code == 401
    assert browser.http.get("/", headers=twice[:1]).status_code == 200
    browser.http.close()


def test_a_named_person_gets_in_with_their_roles(behind_proxy, browse):
    shown = browse(behind_proxy, X_Forwarded_Email=VERA).open()
    assert "Signed in as vera" in shown.text and "Sign out" not in shown.buttons.values()
    assert "Sign in" not in shown.text


def test_a_viewer_who_sends_every_click_of_an_admin_changes_nothing(behind_proxy, browse, engine):
    """The service refuses what a viewer's screen draws disabled; what only an admin's draws has nothing to run here.

    That services refuse whatever asks them is tests/test_access.py.
    """
    admin, viewer = browse(behind_proxy, X_Forwarded_Email=ROOT), browse(behind_proxy, X_Forwarded_Email=VERA)
    admin.open()
    viewer.open()
    clicked, told = 0, ""
    for name, admin.query in PLACES:
        viewer.query = admin.query
        offered = {**admin.run(name).buttons, **viewer.run(name).buttons}
        for id in offered:
            told += viewer.click(id, name).text
            clicked += 1
    assert clicked > 30
    assert "needs the role" in told
    allowed = {verb.value for verb in Verb if ROLE_OF[verb] is Role.VIEWER}
    assert set(done_by(engine, VERA)) <= allowed


def test_the_same_clicks_of_an_admin_do_change_something(behind_proxy, browse, engine):
    """Or the test above would prove nothing."""
    admin = browse(behind_proxy, X_Forwarded_Email=ROOT)
    admin.open()
    admin.query = "view=approval"
    shown = admin.run("apps")
    admin.click(next(id for id in shown.buttons if id.endswith("-save-approval-rule")), "apps")
    assert Verb.SAVE_APPROVAL_RULE.value in done_by(engine, ROOT)
