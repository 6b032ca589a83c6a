"""The list of prompts and its search, against one page of 50 of MLflow's own `search_prompts`, on the same store.

    python -m bench.prompt_list [prompts] [versions] [versions of every twentieth] [rounds]

Every number is a process of its own (cold) and the median of its warm rounds; “after a write” is the first look after
another process registered a version by plain MLflow, MLflow's own page as well. Answers are checked. Target: twice
MLflow's page, and no slower with more versions per prompt.
"""

import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import Measured, keep

if TYPE_CHECKING:
    from services.workspace import Workspace

ROOT = Path(__file__).parent.parent
ROUNDS, WARM, WRITES = 3, 9, 3
TEXT = (
    "customer order refund parcel answer politely briefly never promise always name hours delivery return policy account "
    "お客様の ご質問には 日本語で 丁寧に 答えてください 返金は 担当者に 引き継ぐと 伝えて"
)
WORDS = TEXT.split()
NEEDLE = "二段階認証の案内"
CASES = ("mlflow: a page of 50", "list", "search, common word", "search, rare word", "search, two letters", "names")


def main(prompts: int, versions: int, many: int, rounds: int = ROUNDS) -> None:
    home = Path(tempfile.mkdtemp(prefix="bench-prompt-list-"))
    for title, long in ((f"{versions} versions each", versions), (f"every twentieth has {many}", many)):
        folder = home / str(long)
        in_process(folder, "fill", str(prompts), str(versions), str(long))
        report(title, [measured(folder) for _ in range(rounds)])


def measured(folder: Path) -> dict[str, dict[str, float]]:
    """One round: every case in a fresh process, then in another one right after outside writes."""
    found: dict[str, dict[str, float]] = {}
    for case in CASES:
        found[case] = json.loads(in_process(folder, "measure", case))
    for case in CASES:
        found[case]["after a write"] = json.loads(in_process(folder, "measure", case, "changed"))["changed"]
    return found


def report(title: str, rounds: list[dict[str, dict[str, float]]]) -> None:
    print(f"\n{title:34} {'cold':>16} {'warm':>16} {'after a write':>16}")
    floor = {state: statistics.median(one[CASES[0]][state] for one in rounds) for state in rounds[0][CASES[0]]}
    for case in CASES:
        cells = []
        for state in rounds[0][case]:
            middle = statistics.median(one[case][state] for one in rounds)
            if case != CASES[0]:
                keep(Measured(f"{case}, {state}", title, middle, floor[state], "MLflow, a page of 50 names", "ms", 2.0))
            cells.append(f"{middle:7.1f} {middle / floor[state]:5.2f} x")
        print(f"{case:34} " + " ".join(f"{cell:>16}" for cell in cells))


def in_process(folder: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    command = [sys.executable, "-m", "bench.prompt_list", *arguments]
    environ = clean | {"SIGNALBOX_HOME": str(folder), "SIGNALBOX_OPERATOR": "ada"}
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip().splitlines()[-1] if done.stdout.strip() else ""


def workspace() -> "Workspace":
    from services import apps, people, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    place = Workspace(connect(found), people.identify(found, {}))
    return place.for_app(apps.get(place, "support"))


def measure(case: str, changed: bool) -> dict[str, float]:
    """Milliseconds of a fresh process's first call, and of the next ones; MLflow and ours are imported before."""
    work = cases(workspace())[case]
    if changed:
        work()
        # The first of them also pays for what is asked for the first time in this process; a console has run for long.
        return {"changed": statistics.median([after_write(work) for _ in range(1 + WRITES)][1:])}
    return {"cold": clocked(work), "warm": statistics.median(clocked(work) for _ in range(WARM))}


def after_write(work: Callable[[], int]) -> float:
    in_process(Path(os.environ["SIGNALBOX_HOME"]), "write")
    return clocked(work)


def cases(place: "Workspace") -> dict[str, Callable[[], int]]:
    from services import prompts
    from services.prompts import library
    from services.prompts.library import Query

    def screen(text: str = "") -> int:
        """Everything that the screen asks for, with what it shows of each row."""
        query = Query(text)
        look = library.refresh(place, query)
        library.names(place, look)
        library.choices(place)
        page = library.find(place, query, look)
        assert page.rows and all(not text or row.excerpt for row in page.rows), text
        return page.total

    return {
        CASES[0]: lambda: len(place.client.search_prompts("tags.`signalbox.app` = 'support'", max_results=50)),
        "list": screen,
        "search, common word": lambda: screen("refund"),
        "search, rare word": lambda: screen(NEEDLE),
        "search, two letters": lambda: screen("返金"),
        "names": lambda: len(prompts.names(place)),
    }


def clocked(work: Callable[[], int]) -> float:
    begun = time.perf_counter()
    assert work() > 0
    return (time.perf_counter() - begun) * 1000


def write_outside() -> None:
    import mlflow

    from services import settings

    mlflow.set_tracking_uri(settings.load(os.environ).tracking_uri)
    mlflow.genai.register_prompt("prompt-0500", f"Written elsewhere, {time.time()}\n{NEEDLE} refund 返金")


def fill(prompts_wanted: int, versions: int, many: int) -> None:
    """The app and a first prompt by the console, the others as the same rows in bulk; then the index is read to its end."""
    from services import apps, database, people, prompts, settings
    from services.prompts import library
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = apps.AppForm(id="support", name="Support", company="Sorabana", model="practice", endpoint="support")
    made = place.for_app(apps.create(place, form))
    prompts.save(made, "first", "Hello {{company_name}}", "first")
    with sqlite3.connect(found.tracking_uri.removeprefix("sqlite:///")) as store:
        chance, began = random.Random(1), int(time.time() * 1000) - 30 * 86_400_000
        for number in range(prompts_wanted):
            add_prompt(store, chance, number, many if number % 20 == 0 else versions, began + number * 1_000_000)
    library.rebuild(made)
    library.read_on(made)


def add_prompt(store: sqlite3.Connection, chance: random.Random, number: int, versions: int, at: int) -> None:
    """The rows that `register_prompt` writes; each version changes about a twelfth of the lines of the one before."""
    name = f"prompt-{number:04}"
    store.execute(
        "INSERT INTO registered_models (name, creation_time, last_updated_time, description, workspace) "
        "VALUES (?, ?, ?, '', 'default')",
        (name, at, at + versions * 1000),
    )
    tags = {"mlflow.prompt.is_prompt": "true", "signalbox.app": "support", "_mlflow_experiment_ids": ",1,"}
    insert_tag = "INSERT INTO registered_model_tags (key, value, name, workspace) VALUES (?, ?, ?, 'default')"
    store.executemany(insert_tag, [(key, value, name) for key, value in tags.items()])
    lines = [sentence(chance) for _ in range(16)]
    for version in range(1, versions + 1):
        lines = [sentence(chance) if chance.random() < 0.08 else line for line in lines]
        rare = [NEEDLE] if number % 100 == 7 and version == 3 else []
        add_version(store, name, version, at + version * 1000, [f"Prompt {number} {{{{question}}}}", *rare, *lines])
    if number % 3 == 0:
        alias = "INSERT INTO registered_model_aliases (alias, version, name, workspace) VALUES (?, ?, ?, 'default')"
        store.execute(alias, ("production", max(1, versions - 2), name))


def add_version(store: sqlite3.Connection, name: str, version: int, at: int, lines: list[str]) -> None:
    store.execute(
        "INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, current_stage, "
        "source, status, storage_location, workspace) "
        "VALUES (?, ?, ?, ?, ?, 'None', 'dummy-source', 'READY', 'dummy-source', 'default')",
        (name, version, at, at, f"change {version}"),
    )
    tags = {
        "mlflow.prompt.is_prompt": "true",
        "_mlflow_prompt_type": "text",
        "mlflow.prompt.text": "\n".join(lines),
        "author": f"user{version % 7}",
        "title": f"Title of {version}",
        "use_case": ("refund", "delivery", "account")[version % 3],
    }
    store.executemany(
        "INSERT INTO model_version_tags (key, value, name, version, workspace) VALUES (?, ?, ?, ?, 'default')",
        [(key, value, name, version) for key, value in tags.items()],
    )


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=12)) + "."


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", *numbers]:
            fill(*map(int, numbers))
        case ["measure", name, *changed]:
            print(json.dumps(measure(name, bool(changed))))
        case ["write"]:
            write_outside()
        case given:
            main(*map(int, given or ("1000", "20", "100")))
