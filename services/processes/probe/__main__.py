"""Run somebody's agent file by itself, in a process started for it alone."""

import faulthandler
import json
import os
import signal
import sys
import threading
from pathlib import Path

import mlflow

from services.processes.probe import calls
from services.processes.probe.notes import Notes, attempt
from services.processes.probe.steps import probe


def main(folder: Path) -> None:
    end_with_parent()
    hide_the_console()
    # Where MLflow finds the modules that are shipped beside an agent.
    sys.path.insert(0, str(folder / "code"))
    given = json.loads((folder / "given.json").read_text("utf-8"))
    notes = Notes(folder)
    mlflow.tracing.disable()
    calls.watch(notes.asked)
    with (folder / "hang.txt").open("w") as hang:
        attempt.begins = lambda: faulthandler.dump_traceback_later(given["seconds"], exit=True, file=hang)
        probe(folder, given, notes)
        faulthandler.cancel_dump_traceback_later()
    notes.write(finished=True)
    sys.stdout.flush()
    # What the file left running (threads, open clients) does not hold up the check.
    os._exit(0)


def hide_the_console() -> None:
    """The file imports what a server would find: packages, not the console's own code."""
    root = os.environ.pop("PYTHONPATH")
    sys.path[:] = [place for place in sys.path if place != root]


def end_with_parent() -> None:
    """Our standard input closes when the one who asked is gone; whatever the file started ends too."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
