"""The gateway's view of the `served` rows: what is wanted, and how it went."""

import os
import signal
import subprocess
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select, update

from services.database import served, setting, writing
from services.processes.gateway.child import Wanted

COLUMNS = (
    "id",
    "app_id",
    "endpoint",
    "version",
    "model_id",
    "experiment_id",
    "weight",
    "revision",
    "shadow",
    "environment",
    "model_config",
)
# Asked three times a second, and built once: to build one takes longer than its answer.
_WANTED = select(served).where(served.c.wanted == "up")
_NEWEST = select(func.max(setting.c.id)).where(setting.c.key == "offline").group_by(setting.c.app_id)
_CLOSED = select(setting.c.value).where(setting.c.id.in_(_NEWEST))


def wanted(engine: Engine) -> dict[int, Wanted]:
    """The versions that should run, by row id."""
    with engine.connect() as connection:
        rows = connection.execute(_WANTED).mappings().all()
    return {row["id"]: Wanted(**{name: row[name] for name in COLUMNS}) for row in rows}


def closed(engine: Engine) -> dict[str, str]:
    """The endpoints that are offline, with the message that everyone gets there."""
    with engine.connect() as connection:
        values = connection.execute(_CLOSED).scalars().all()
    return {name: said["message"] for value in values for name, said in value.items() if said}


def write(engine: Engine, id: int, **values: Any) -> None:
    with writing(engine) as connection:
        connection.execute(update(served).where(served.c.id == id).values(**values))


def write_asked(engine: Engine, asked: Mapping[int, datetime]) -> None:
    with writing(engine) as connection:
        for id, at in asked.items():
            connection.execute(update(served).where(served.c.id == id).values(asked_at=at))


def write_copies(engine: Engine, copied: Mapping[int, int], dropped: Mapping[int, int]) -> None:
    """Count up, by row id, the questions that were copied for a shadow and those that were not."""
    with writing(engine) as connection:
        for id in copied.keys() | dropped.keys():
            counted = {"copied": served.c.copied + copied.get(id, 0), "dropped": served.c.dropped + dropped.get(id, 0)}
            connection.execute(update(served).where(served.c.id == id).values(counted))


def settle_leftovers(engine: Engine) -> list[int]:
    """After a gateway that was killed: nothing runs, and processes it left are told to end; returns their pids."""
    with writing(engine) as connection:
        left = connection.execute(select(served.c.pid, served.c.model_id).where(served.c.pid.is_not(None))).all()
        connection.execute(update(served).where(served.c.pid.is_not(None)).values(pid=None, port=None, state="stopped"))
    stale = [row.pid for row in left if is_version(row.pid, row.model_id)]
    for pid in stale:
        os.kill(pid, signal.SIGTERM)
    return stale


def is_version(pid: int, model_id: str = "") -> bool:
    """Whether that process is one of ours: a pid alone may have been given to another program since."""
    found = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return "services.processes.version" in found and model_id in found
