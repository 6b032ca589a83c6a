"""The commands: `python -m services.operations backup|restore|doctor|import`; each says what it did and what to do next."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from services import settings as settings_module
from services.errors import ConsoleError
from services.messages import Message, mark, render
from services.operations import backup, doctor, importing, restore
from services.operations.doctor import Level
from services.settings import Settings

DONE, WRONG, REFUSED = 0, 1, 2
SIGN = {Level.FINE: "✓", Level.HINT: "!", Level.WRONG: "✗"}
HELD = {
    "experiments": mark("Experiments: {n}"),
    "runs": mark("Runs: {n}"),
    "traces": mark("Traces: {n}"),
    "models": mark("Registered models: {n}"),
}


def main(arguments: list[str] | None = None) -> int:
    """0 when all is well, 1 when the doctor found something to mend, 2 with a sentence when nothing was done."""
    signal.signal(signal.SIGTERM, _end)
    logging.disable(logging.INFO)
    asked = _parser().parse_args(arguments)
    try:
        settings_module.add_env_file(os.environ, Path.cwd())
        command: Callable[[argparse.Namespace], int] = asked.command
        return command(asked)
    except ConsoleError as error:
        for part in filter(None, (error.message, error.remedy)):
            print(_said(part), file=sys.stderr)
        return REFUSED


def _backup(asked: argparse.Namespace) -> int:
    target = Path(asked.file or backup.usual_name(datetime.now(UTC))).absolute()
    # A copy: connecting writes settings of its own into the environment.
    made = backup.make(_settings(), target, dict(os.environ))
    _say(Message("The backup {path} is complete: {n} files, {size} MB.",
                 path=str(made.file), n=len(made.manifest.files), size=f"{made.size / 1e6:.1f}"))  # fmt: skip
    _say(Message("Audit log: {n} lines, the newest is line {line} with the hash {hash}.",
                 n=made.manifest.audit_lines, line=made.manifest.audit_newest, hash=made.manifest.audit_hash))  # fmt: skip
    if made.manifest.elsewhere:
        _say(Message("MLflow's store is not in it, it lies elsewhere: {url}. Back it up there.", url=made.manifest.elsewhere[0]))  # fmt: skip
    for place in made.manifest.missing:
        _say(Message("Files at {place} are not in it: they lie on a server or were not found. Back them up there.", place=place))  # fmt: skip
    _say(Message("Keys are not in it. What people wrote is: keep the file where only few can read it, on another machine."))  # fmt: skip
    return DONE


def _restore(asked: argparse.Namespace) -> int:
    done = restore.run(_settings(), Path(asked.file).absolute())
    _say(Message("The console of {time} is restored in {path}.", time=done.manifest.made_at[:16], path=str(done.home)))
    _say(Message("Audit log: {n} lines, the newest is line {line} with the hash {hash}.",
                 n=done.found.lines, line=done.found.newest, hash=done.found.hash))  # fmt: skip
    if done.found.breaks:
        _say(Message("The audit log was broken already when the backup was made. Check it on the screen Audit log."))
    if done.halted.jobs:
        _say(Message("Jobs of that time were cancelled: {ids}.", ids=", ".join(map(str, done.halted.jobs))))
    if done.halted.releases:
        _say(Message("Releases under way were stopped: {ids}. Look at what answers before you resume one.",
                     ids=", ".join(map(str, done.halted.releases))))  # fmt: skip
    for place in done.manifest.missing:
        _say(Message("Files at {place} were not in the backup.", place=place))
    for name, value in done.manifest.settings.items():
        if os.environ.get(name) != value and not value.startswith("sqlite:"):  # those lie in the folder now
            _say(Message("It ran with {name}={value}.", name=name, value=value))
    if done.manifest.secrets:
        _say(Message("Set these keys anew before you start it: {names}.", names=", ".join(done.manifest.secrets)))
    return DONE


def _doctor(asked: argparse.Namespace) -> int:
    worst = DONE
    for one in doctor.examine(os.environ):
        print(f"{SIGN[one.seen.level]} {_said(Message(one.title))}: {_said(one.seen.what)}", flush=True)
        if one.seen.remedy is not None:
            print(f"    {_said(one.seen.remedy)}")
        worst = WRONG if one.seen.level is Level.WRONG else worst
    return worst


def _import(asked: argparse.Namespace) -> int:
    file = Path(asked.file.removeprefix("sqlite:///")).absolute()
    files = Path(asked.files).absolute() if asked.files else None
    seen = importing.look(file, files)
    _say(Message("{path}: {size} MB.", path=str(file), size=f"{seen.size / 1e6:.1f}"))
    for name, n in seen.counts.items():
        _say(Message(HELD[name], n=n))
    for place in seen.lost:
        _say(Message("Its files are not found at {place}. Name their folder with --files.", place=place))
    if seen.older:
        _say(
            Message("It was written by another version of MLflow: the copy is brought up to date, the original is not.")
        )
    if asked.take_over:
        importing.take_over(_settings(), file, files)
        _say(Message("The store is copied. Start the console, and make an app of each experiment on the screen Apps."))
    else:
        _say(Message("Nothing was changed. Add --take-over to copy it into the data folder of this console."))
        _say(
            Message(
                "To work on it where it is, set MLFLOW_TRACKING_URI={uri} before the start.", uri=f"sqlite:///{file}"
            )
        )
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.operations", description="Keep a console of Signalbox.")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("backup", help="write one file of everything, also while the console runs")
    one.add_argument("file", nargs="?", help="where to (a new file; without it one named by the time, here)")
    one.set_defaults(command=_backup)
    one = commands.add_parser("restore", help="make an empty data folder the console of a backup")
    one.add_argument("file", help="the backup")
    one.set_defaults(command=_restore)
    one = commands.add_parser("doctor", help="check the installation, and say what to mend")
    one.set_defaults(command=_doctor)
    one = commands.add_parser("import", help="look at an MLflow database, and take it over")
    one.add_argument("file", help="MLflow's SQLite file")
    one.add_argument("--files", help="the folder of its artifacts, where the database does not tell")
    one.add_argument("--take-over", action="store_true", help="copy it as this console's store")
    one.set_defaults(command=_import)
    return parser


def _settings() -> Settings:
    return settings_module.load(os.environ)


def _say(message: Message) -> None:
    print(_said(message))


def _said(message: Message) -> str:
    spoken = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return render(message, "ja" if spoken.startswith("ja") else "en")


def _end(number: int, frame: object) -> NoReturn:
    """So that what is half written is taken away on the way out."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
