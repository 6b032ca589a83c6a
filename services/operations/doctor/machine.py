"""The machine under the console: Python, packages, folder, space."""

import os
import re
import shutil
import stat
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from services.messages import Message
from services.operations.doctor.seen import Level, Seen, fine
from services.settings import Settings

OLDEST = (3, 11)
LOCKED = Path(__file__).parents[3] / "requirements.lock"
LITTLE, TOO_LITTLE = 5_000_000_000, 500_000_000
MOST_NAMED = 8
# A line as the lock writes it; what is only for another system or Python carries a marker, and is left out.
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;.*?)?\\?$")


def python(settings: Settings, environ: Mapping[str, str]) -> Seen:
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        return Seen(
            Level.WRONG,
            Message("Python {version} is too old.", version=here),
            Message("Install Python 3.11 or newer, remove .venv, and run “make run”."),
        )
    return fine(Message("Python {version} in {path}.", version=here, path=sys.prefix))


def packages(settings: Settings, environ: Mapping[str, str]) -> Seen:
    """What is installed against the lock; a package that is newer or older was never tested with the rest."""
    wanted = pinned(LOCKED.read_text("utf-8")) if LOCKED.is_file() else {}
    if not wanted:
        return Seen(
            Level.HINT,
            Message("There is no requirements.lock to compare the packages with."),
            Message("Start the console from its own folder, as it was fetched."),
        )
    other = [
        f"{name} {_installed(name) or '–'} ≠ {version}"
        for name, version in wanted.items()
        if _installed(name) != version
    ]
    if other:
        return Seen(
            Level.WRONG,
            Message("{n} of {all} packages are not what the lock says: {names}.",
                    n=len(other), all=len(wanted), names=", ".join(other[:MOST_NAMED])),
            Message("Run “make clean”, then “make run”: it sets the packages up anew; your data folder stays."),
        )  # fmt: skip
    return fine(Message("All {n} packages are what the lock says.", n=len(wanted)))


def pinned(lock: str) -> dict[str, str]:
    found = (PINNED.match(line.rstrip()) for line in lock.splitlines())
    return {one[1]: one[2] for one in found if one is not None and not (one[3] or "").strip("\\ ")}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def folder(settings: Settings, environ: Mapping[str, str]) -> Seen:
    home = settings.home
    if not home.exists():
        return Seen(
            Level.HINT,
            Message("The data folder {path} does not exist yet.", path=str(home)),
            Message("The first start makes it. If you expected data here, check SIGNALBOX_HOME."),
        )
    if not os.access(home, os.W_OK | os.X_OK):
        return Seen(
            Level.WRONG,
            Message("The data folder {path} cannot be written by this account.", path=str(home)),
            Message("Change its owner or its permissions, or start the console as the account that owns it."),
        )
    if foreign := [file for file in home.glob("*.db") if not os.access(file, os.R_OK | os.W_OK)]:
        return Seen(
            Level.WRONG,
            Message("{file} cannot be read and written by this account.", file=str(foreign[0])),
            Message("Change its owner or its permissions, or start the console as the account that owns it."),
        )
    if home.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        return Seen(
            Level.HINT,
            Message("Every account of this machine can look into the data folder {path}.", path=str(home)),
            Message("Run “chmod 700 {path}” if others work on this machine.", path=str(home)),
        )
    return fine(Message("{path} can be written, and only by its owner.", path=str(home)))


def disk(settings: Settings, environ: Mapping[str, str]) -> Seen:
    there = next(one for one in (settings.home, *settings.home.parents) if one.exists())
    free = shutil.disk_usage(there).free
    seen = Message("{free} GB are free.", free=f"{free / 1e9:.1f}")
    if free >= LITTLE:
        return fine(seen)
    level = Level.WRONG if free < TOO_LITTLE else Level.HINT
    return Seen(level, seen, Message("Free some space: a full disk stops releases and loses traces."))
