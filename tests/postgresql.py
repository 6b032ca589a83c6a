"""A real PostgreSQL of Debian's packages for a test run: a cluster in a folder of its own, thrown away at the end."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.conftest import free_port

USUAL = Path("/usr/lib/postgresql")
DATABASES = Path(__file__).parent.parent / "deploy" / "databases.sh"
PASSWORD = "well-kept-and-long"
MLFLOW_PASSWORD = "it's: kept/as @well"
# A test that loses power loses nothing that anyone needs.
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300"


@dataclass(frozen=True)
class Server:
    """A cluster that runs, with the accounts and databases of a team: `signalbox` for the console, `mlflow` for its server."""

    programs: Path
    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://signalbox:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        known = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "password": PASSWORD}
        with psycopg.connect(**known, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def make(self, database: str, template: str = "template1") -> str:
        """A new database of the console with what the template holds, and its URL."""
        self.run(f'CREATE DATABASE "{database}" TEMPLATE "{template}" OWNER signalbox')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.run(f'DROP DATABASE "{database}" WITH (FORCE)')

    def client(self, program: str, *words: str) -> None:
        """One of PostgreSQL's own programs; an address may be one of ours."""
        command = [str(self.programs / program), *(one.replace("+psycopg", "") for one in words)]
        subprocess.run(command, check=True, capture_output=True)

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        where = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} {FAST}"
        self._control("start", "-l", str(self.folder / "log"), "-o", where)

    def _control(self, *words: str) -> None:
        _as_nobody([str(self.programs / "pg_ctl"), "-w", "-D", str(self.folder / "data"), *words])


def programs() -> Path | None:
    """Where Debian keeps initdb and pg_ctl, which are on nobody's path; the newest version."""
    found = sorted(USUAL.glob("*/bin/initdb"), key=lambda one: float(one.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@contextmanager
def running(there: Path) -> Iterator[Server]:
    """A cluster of its own, owned by an account that is not root: PostgreSQL refuses to run as that."""
    folder = Path(tempfile.mkdtemp(prefix="signalbox-postgresql-"))
    server = Server(there, folder, free_port())
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if (account := _account()) is not None:
            for one in (folder, secret):
                os.chown(one, account.pw_uid, account.pw_gid)
        asked = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync"]
        _as_nobody([str(there / "initdb"), "-D", str(folder / "data"), "--locale=C.UTF-8", *asked])
        server.start()
        try:
            _make_databases(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_databases(server: Server) -> None:
    """As the image of the database does it on its first start."""
    reached = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGPASSWORD": PASSWORD, "POSTGRES_USER": "postgres"}
    words = {"CONSOLE_DATABASE_PASSWORD": PASSWORD, "MLFLOW_DATABASE_PASSWORD": MLFLOW_PASSWORD}
    done = subprocess.run([DATABASES], env=os.environ | reached | words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _account() -> pwd.struct_passwd | None:
    """The account to run as; None when we are nobody special ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as_nobody(command: list[str]) -> None:
    account = _account()
    who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, check=False, **who
    )
    assert done.returncode == 0, done.stderr + done.stdout
