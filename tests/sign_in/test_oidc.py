"""Signing in at a real provider: in, out, over, for another application, and once more with what was used before."""

import time
from urllib.parse import urlsplit

import pytest

from tests.sign_in.browser import Browser
from tests.sign_in.provider import CLIENT_SECRET

VERA, ROOT = {"email": "vera@example.com"}, {"email": "root@example.com"}


@pytest.fixture(autouse=True)
def straight(provider):
    provider.bent.clear()


def sign_in(browser: Browser, provider, person, page=""):
    """Click *Sign in* on this screen and follow it to its end."""
    provider.person = person
    asked = browser.open(page)
    way = browser.click(asked.button("Sign in")).redirect
    browser.http.headers["referer"] = f"{browser.url}/{page}"
    answers = browser.follow(way)
    del browser.http.headers["referer"]
    return answers


def asks(browser: Browser, page="") -> str:
    """What the console says to somebody who is not let in."""
    shown = browser.open(page)
    assert {"Sign in", "Sign in as somebody else"} >= set(shown.buttons.values())
    assert not browser.pages
    return shown.text


def test_a_person_signs_in_and_comes_to_the_screen_that_was_asked_for(console, provider, browse):
    browser = browse(console)
    assert "Sign in to open the console" in asks(browser, "releases")
    answers = sign_in(browser, provider, {"email": "Vera@Example.com", "groups": ["Writers"]}, "releases?release=3")
    assert urlsplit(str(answers[-1].url)).path == "/releases" and "release=3" in str(answers[-1].url)
    assert "Signed in as vera" in browser.open().text
    assert set(browser.cookies) <= {
        "_streamlit_user",
        "_streamlit_xsrf",
        "signalbox_way_back",
        "signalbox_signed_in_before",
    }
    written = next(one for answer in answers for one in answer.headers.get_list("set-cookie") if "_user=" in one)
    assert "HttpOnly" in written and "SameSite=lax" in written and "Max-Age=28800" in written
    # The group makes an author; nothing makes an admin.
    assert "needs the role “admin”" in browser.run("people").text


def test_whoever_comes_back_after_the_time_of_the_sign_in_reads_that_it_is_over(console, provider, browse):
    browser = browse(console)
    sign_in(browser, provider, VERA)
    browser.http.cookies.delete("_streamlit_user")  # as browsers do when its Max-Age is over
    assert "Your sign-in is over" in asks(browser, "releases")
    sign_in(browser, provider, VERA)
    browser.follow(browser.click(browser.open().button("Sign out")).redirect)
    assert "signalbox_signed_in_before" not in browser.cookies
    assert "Sign in to open the console" in asks(browser)


def test_files_and_uploads_are_for_who_signed_in(console, provider, browse):
    stranger, vera = browse(console), browse(console)
    sign_in(vera, provider, VERA)
    for path in ("/media/nothing.csv", "/_stcore/metrics", "/api/nothing"):
        assert stranger.get(path).status_code == 401
        assert vera.get(path).status_code != 401
    assert stranger.http.put("/_stcore/upload_file/a/b", content=b"x").status_code == 401
    assert stranger.get("/api/ready").status_code == 200


def test_signing_out_ends_it_here_there_and_for_a_thief(console, provider, browse):
    browser, thief, other_tab = browse(console), browse(console), browse(console)
    sign_in(browser, provider, VERA)
    for copy in (thief, other_tab):
        copy.take(browser.cookies)
    other_tab.open()
    out = browser.click(browser.open().button("Sign out"))
    answers = browser.follow(out.redirect)
    assert not any(cookie.startswith("_streamlit_user=e") for cookie in browser.cookies)
    assert provider.ended and not any("token" in name for name in provider.ended[-1])
    assert str(answers[-1].url).rstrip("/") == console.url
    assert "Sign in to open the console" in asks(browser)
    assert "Your sign-in is over" in asks(thief)
    assert "Your sign-in is over" in other_tab.run().text
    assert thief.get("/media/nothing.csv").status_code == 401


@pytest.mark.parametrize(
    "bent",
    [
        {"aud": "another-application"},
        {"aud": ["another-application"], "azp": "signalbox-test"},
        {"exp": int(time.time()) - 600},
        {"nonce": "of-an-earlier-sign-in"},
        {"iss": "https://elsewhere.example"},
    ],
    ids=["audience", "audience-by-azp", "expired", "replayed", "issuer"],
)
def test_a_token_that_is_not_right_signs_nobody_in(console, provider, browse, bent):
    browser = browse(console)
    provider.bent.update(bent)
    sign_in(browser, provider, ROOT)
    asks(browser)


def test_a_failed_sign_in_says_whom_to_ask(console, provider, browse):
    browser = browse(console)
    provider.bent["nonce"] = "of-an-earlier-sign-in"
    assert str(sign_in(browser, provider, ROOT)[-1].url).endswith("/?sign_in=failed")


def test_a_callback_works_once_and_in_its_own_browser(console, provider, browse):
    browser, thief = browse(console), browse(console)
    provider.person = ROOT
    first = browser.follow(browser.click(browser.open().button("Sign in")).redirect)
    callback = next(str(answer.url) for answer in first if "code=" in str(answer.url))
    before = browser.cookies
    assert str(browser.follow(callback)[-1].url).endswith("/?sign_in=failed")
    assert browser.cookies == before
    thief.follow(callback)
    asks(thief)
    # Its cookie of before the callback would pass the console's own check; the code is spent.
    earlier = next(one for one in first[0].headers.get_list("set-cookie") if one.startswith("_streamlit_session="))
    name, _, value = earlier.partition(";")[0].partition("=")
    thief.take({name: value})
    thief.follow(callback)
    asks(thief)


def test_a_stranger_reads_whom_to_ask_and_gets_nowhere(console, provider, browse):
    browser = browse(console)
    sign_in(browser, provider, {"email": "eve@example.com", "groups": ["group:writers", "admin"]})
    assert "Ask the help desk to add you" in asks(browser, "people")


def test_identity_headers_mean_nothing_here(console, browse):
    asks(browse(console, X_Forwarded_Email="root@example.com", X_Forwarded_Groups="writers"))


def test_a_forged_cookie_is_nobodys(console, browse):
    browser = browse(console)
    browser.take({"_streamlit_user": "eyJlbWFpbCI6InJvb3QifQ.aaaa.bbbb"})
    assert "Sign in to open the console" in asks(browser)


def test_a_removed_person_is_out_with_the_next_click(console, provider, browse, roles):
    browser, kept = browse(console), roles.read_text()
    sign_in(browser, provider, VERA)
    assert "Signed in as vera" in browser.open().text
    try:
        roles.write_text(kept.replace("vera@", "someone-else@"))
        assert "may not open this console" in browser.run().text
    finally:
        roles.write_text(kept)


def test_no_token_secret_or_code_stands_in_a_log(console, provider):
    """Last in the file: everything above has been written by now."""
    logs = [console.log, *(console.home / "logs").glob("*.log")]
    written = "".join(one.read_text("utf-8", "replace") for one in logs)
    assert provider.secrets and CLIENT_SECRET not in written
    assert [one for one in provider.secrets if one in written] == []
