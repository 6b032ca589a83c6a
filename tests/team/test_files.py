"""The container file and the compose file name what exists, and nothing that is a secret."""

import re
from pathlib import Path

from services import oidc, settings
from services.oidc import Oidc
from services.secrets import OWN_KEYS, Secret, is_key
from tests.team.files import ROOT, VARIABLE, compose, copied, environment, instructions

KNOWN = {
    "CONSOLE_DATABASE_PASSWORD": "console/word@",
    "OPENAI_BASE_URL": "http://models:8000/v1",
    "OPENAI_API_KEY": "sk-0123456789abcdef",
}


def test_the_console_reads_every_variable_that_compose_sets():
    read = {
        name
        for file in (ROOT / "services").rglob("*.py")
        for name in re.findall(r'"([A-Z][A-Z_]+)"', file.read_text("utf-8"))
    }
    assert environment("console", {}).keys() <= read | {"PGPASSWORD"}


def test_the_settings_of_compose_can_be_read(tmp_path):
    (tmp_path / "roles.toml").write_text("[roles]\n")
    environ = environment("console", KNOWN)
    # Its folder: a mounted file would stay the old one when an editor puts a new one in its place.
    assert str(Path(environ["SIGNALBOX_ROLES_FILE"]).parent) in {
        one.split(":")[1] for one in compose()["services"]["console"]["volumes"]
    }
    found = settings.load(
        environ | {"SIGNALBOX_ROLES_FILE": str(tmp_path / "roles.toml"), "SIGNALBOX_HOME": str(tmp_path)}
    )
    assert (found.identity, found.host, found.port, found.log_format) == ("proxy", "0.0.0.0", 8501, "json")
    assert found.database_url == "postgresql+psycopg://signalbox:console%2Fword%40@database/signalbox"
    assert found.tracking_uri == "http://mlflow:5000"
    assert (found.email_header, found.model_base_url) == ("X-Forwarded-Email", "http://models:8000/v1")


def test_people_may_sign_in_by_openid_connect(tmp_path):
    (tmp_path / "roles.toml").write_text("[roles]\n")
    asked = {
        "IDENTITY": "oidc",
        "PUBLIC_URL": "https://console.example",
        "SESSION_HOURS": "2",
        "COOKIE_SECRET": "c" * 40,
    }
    asked |= {"OIDC_URL": "https://id.example", "OIDC_CLIENT_ID": "console", "OIDC_CLIENT_SECRET": "sssh"}
    asked |= {"OIDC_EMAIL_CLAIM": "upn", "OIDC_GROUPS_CLAIM": "roles", "OIDC_SCOPE": "openid"}
    environ = environment("console", {f"SIGNALBOX_{name}": value for name, value in asked.items()})
    found = settings.load(
        environ | {"SIGNALBOX_ROLES_FILE": str(tmp_path / "roles.toml"), "SIGNALBOX_HOME": str(tmp_path)}
    )
    assert found.identity == "oidc"
    assert found.oidc == Oidc(
        "https://id.example", "console", Secret("sssh"), Secret("c" * 40), "upn", "roles", "openid", 2.0
    )
    oidc.check(found.oidc, found.outgoing.public_url)


def test_no_secret_is_written_down():
    for one in compose()["services"].values():
        for name, value in one["environment"].items():
            if is_key(name) or name.endswith(("PASSWORD", "TOKEN", "SECRET")):
                assert VARIABLE.fullmatch(str(value)), name
    image = (ROOT / "Containerfile").read_text("utf-8")
    assert "ARG" not in image and not any(name in image for name in OWN_KEYS)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[1] == "*" and not {"!.env", "!.streamlit", "!.streamlit/secrets.toml"} & set(ignored)


def test_what_the_image_holds_exists_and_is_let_through():
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    assert copied().keys() >= {"app.py", "pages", "services", "requirements.lock"}
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(one == source or one.startswith(f"{source}/") for one in let_through), source
    for line in instructions("COPY"):
        assert line.startswith("--from=packages") or all((ROOT / one).exists() for one in line.split()[:-1]), line


def test_the_image_runs_as_nobody_special_with_locked_packages_and_asks_whether_it_is_ready():
    assert instructions("USER") == ["10001"]
    assert "--require-hashes -r /requirements.lock" in instructions("RUN")[0]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert re.search(r"^psycopg-binary==", lock, re.M) and re.search(r"^mlflow==", lock, re.M)
    services = compose()["services"]
    asked = {name: str(one["healthcheck"]["test"]) for name, one in services.items()}
    assert (
        "pg_isready" in asked["database"]
        and ":5000/health" in asked["mlflow"]
        and ":8501/api/ready" in asked["console"]
    )
    assert all(one.startswith("127.0.0.1:") for service in services.values() for one in service.get("ports", []))


def test_every_volume_is_declared_and_every_file_is_there_or_told_of():
    told = (ROOT / "docs" / "operations.md").read_text("utf-8")
    for service in compose()["services"].values():
        for source in (one.split(":")[0] for one in service["volumes"]):
            if source.startswith("./"):
                assert (ROOT / source).exists() or Path(source).name in told, source
            else:
                assert source in compose()["volumes"]
