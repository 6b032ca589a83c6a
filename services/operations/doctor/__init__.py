"""Is this installation in order? Every check says what it saw, and what to mend when it is not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.errors import ConsoleError
from services.messages import Message, mark
from services.operations.doctor import machine, running, stores
from services.operations.doctor.seen import Level, Seen
from services.settings import Settings, load

__all__ = ["CHECKS", "Finding", "Level", "Seen", "examine"]


class Area(StrEnum):
    """The checks, in the order in which they are told."""

    SETTINGS = "settings"
    PYTHON = "python"
    PACKAGES = "packages"
    FOLDER = "folder"
    DISK = "disk"
    CLOCK = "clock"
    PORTS = "ports"
    DATABASE = "database"
    MLFLOW = "mlflow"
    AUDIT = "audit"
    BACKUP = "backup"
    PROCESSES = "processes"
    MODEL = "model"
    SECRETS = "secrets"


TITLE = {
    Area.SETTINGS: mark("Settings"),
    Area.PYTHON: mark("Python version"),
    Area.PACKAGES: mark("Packages"),
    Area.FOLDER: mark("Data folder"),
    Area.DISK: mark("Free space"),
    Area.CLOCK: mark("Clock"),
    Area.PORTS: mark("Ports"),
    Area.DATABASE: mark("The console's database"),
    Area.MLFLOW: mark("MLflow's store"),
    Area.AUDIT: mark("Audit log"),
    Area.BACKUP: mark("Backup"),
    Area.PROCESSES: mark("Worker and gateway"),
    Area.MODEL: mark("Model"),
    Area.SECRETS: mark("Secrets"),
}

CHECKS: dict[Area, Callable[[Settings, Mapping[str, str]], Seen]] = {
    Area.PYTHON: machine.python,
    Area.PACKAGES: machine.packages,
    Area.FOLDER: machine.folder,
    Area.DISK: machine.disk,
    Area.CLOCK: stores.clock,
    Area.PORTS: running.ports,
    Area.DATABASE: stores.database,
    Area.MLFLOW: stores.mlflow,
    Area.AUDIT: stores.audit_log,
    Area.BACKUP: stores.backup,
    Area.PROCESSES: running.processes,
    Area.MODEL: running.model,
    Area.SECRETS: running.secrets,
}


@dataclass(frozen=True)
class Finding:
    """What one check saw."""

    title: str
    seen: Seen


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """One check after the other; wrong settings end it, since everything else rests on them."""
    try:
        settings = load(environ)
    except ConsoleError as error:
        yield Finding(TITLE[Area.SETTINGS], Seen(Level.WRONG, error.message, error.remedy))
        return
    yield Finding(TITLE[Area.SETTINGS], Seen(Level.FINE, Message("The settings can be read.")))
    for area, check in CHECKS.items():
        try:
            seen = check(settings, environ)
        except ConsoleError as error:
            seen = Seen(Level.WRONG, error.message, error.remedy)
        yield Finding(TITLE[area], seen)
