"""What can go wrong before the first screen, and who may come in."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import free_port
from tests.e2e.conftest import ROOT


def start(tmp_path, **environ):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "OPENAI_", "MLFLOW_"))
    }
    mine = {
        "SIGNALBOX_HOME": str(tmp_path / "home"),
        "SIGNALBOX_PORT": str(free_port()),
        "SIGNALBOX_GATEWAY_PORT": str(free_port()),
    }
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=clean | mine | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"SIGNALBOX_PORT": "http"}, "SIGNALBOX_PORT is “http”"),
        ({"SIGNALBOX_IDENTITY": "magic"}, "Set SIGNALBOX_IDENTITY to one of"),
        ({"SIGNALBOX_IDENTITY": "proxy"}, "SIGNALBOX_ROLES_FILE"),
        ({"SIGNALBOX_ROLES_FILE": "/nowhere/roles.toml"}, "roles file"),
        ({"OPENAI_BASE_URL": "localhost:1234"}, "begins with http"),
        ({"MLFLOW_TRACKING_URI": "mlruns"}, "MLFLOW_TRACKING_URI"),
        ({"SIGNALBOX_HOME": "/proc/signalbox"}, "cannot be written"),
    ],
)
def test_a_wrong_setting_is_one_sentence(tmp_path, environ, told):
    ended = start(tmp_path, **environ)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["SIGNALBOX_PORT", "SIGNALBOX_GATEWAY_PORT"])
def test_a_busy_port_is_named(tmp_path, name):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ended = start(tmp_path, **{name: str(other.getsockname()[1])})
    assert ended.returncode == 2
    assert f"set {name} to a free port" in ended.stderr


def test_a_second_console_on_the_same_folder_is_told_where_the_first_is(serve):
    server = serve()
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=server.environ | {"SIGNALBOX_PORT": str(free_port())},
    )
    assert (ended.returncode, server.url in ended.stderr) == (2, True)


def test_in_proxy_mode_nobody_enters_without_a_header(serve, visit, tmp_path, browser):
    roles = tmp_path / "roles.toml"
    roles.write_text('[roles]\nadmin = ["root@example.com"]\n')
    server = serve(SIGNALBOX_IDENTITY="proxy", SIGNALBOX_ROLES_FILE=str(roles))
    stranger = browser.new_page()
    assert stranger.goto(server.url).status == 401
    stranger.close()
    viewer = visit(server, extra_http_headers={"X-Forwarded-Email": "bob@example.com"}).open("apps")
    viewer.page.get_by_text("bob@example.com").wait_for()
    expect(viewer.button("Save settings")).to_be_disabled()
    admin = visit(server, extra_http_headers={"X-Forwarded-Email": "root@example.com"}).open("apps")
    expect(admin.button("Save settings")).to_be_enabled()


def test_a_clean_stop_stops_every_process(serve):
    server = serve()
    pids = [server.pid(name) for name in ("web", "worker", "gateway")]
    server.process.terminate()
    server.process.wait(30)
    server.wait(
        lambda: (
            not any(
                os.path.exists(f"/proc/{pid}") and "zombie" not in Path(f"/proc/{pid}/status").read_text()
                for pid in pids
            )
        ),
        20,
    )


def test_a_tab_of_the_apps_screen_stands_in_the_address_and_keeps_what_was_typed(serve, visit):
    admin = visit(serve()).open("apps")
    company = admin.main.get_by_role("textbox", name="Company")
    company.fill("Typed, not saved")
    admin.tab("Environments").sees("Save the environment")
    assert admin.page.url.endswith("apps?view=environments")
    admin.tab("Settings")
    expect(company).to_have_value("Typed, not saved")
    admin.page.goto(admin.page.url.replace("settings", "gate"))
    admin.idle().sees("A release passes only when an evaluation holds every rule. Failed rows count as failures.")
    admin.go("Home").go("Apps")
    expect(admin.button("Save settings")).to_be_visible()
