"""Saving, reading and finding the live version of a prompt, beside MLflow's bare calls in the same rounds.

    python -m bench.prompt_version [rounds]

Ours also checks the text and writes who did it into the audit log, before and after.
"""

import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable

from bench.overview import clocked, workspace
from bench.results import Measured, keep

OURS, BARE = "greeting", "bare"
TEXT = "You are a polite assistant of {{company_name}}, number %d. "


def main(rounds: int) -> None:
    folder = tempfile.mkdtemp()
    took = defaultdict[str, list[tuple[float, float]]](list)
    pairs = cases(workspace(folder))
    for save in pairs["save a version"]:
        save(-1)
    for number in range(rounds + 1):
        for name, (ours, bare) in pairs.items():
            pair = (
                clocked(lambda ours=ours, number=number: ours(number)),
                clocked(lambda bare=bare, number=number: bare(number)),
            )
            if number:  # the first round also imports
                took[name].append(pair)
    for name, times in took.items():
        mine, theirs = (statistics.median(one[side] for one in times) for side in (0, 1))
        print(f"{name:24} {mine:8.1f} ms {theirs:8.1f} ms {mine / theirs:6.2f} x")
        keep(Measured(name, f"{rounds} versions", mine, theirs, "MLflow's bare call", "ms"))
    shutil.rmtree(folder)


def cases(place) -> dict[str, tuple[Callable[[int], object], Callable[[int], object]]]:
    import mlflow

    from services import production, prompts

    def alias(number: int) -> object:
        place.client.set_prompt_alias(BARE, "production", 1)
        return place.client.get_prompt_version_by_alias(BARE, "production").version

    return {
        "save a version": (
            lambda number: prompts.save(place, OURS, TEXT % number, f"number {number}"),
            lambda number: mlflow.genai.register_prompt(BARE, TEXT % number, commit_message=f"number {number}"),
        ),
        "move and read the alias": (lambda number: moved(place, production, number), alias),
        "read one version": (
            lambda number: prompts.version(place, OURS, 1),
            lambda number: place.client.get_prompt_version(BARE, 1),
        ),
        "list the versions": (
            lambda number: prompts.history(place, OURS),
            lambda number: list(place.client.search_prompt_versions(BARE)),
        ),
    }


def moved(place, production, number: int) -> object:
    """It reads back what it wrote."""
    production.move_alias(place, OURS, production.alias(place, OURS), 1 + number % 2, "a measure")
    return production.alias(place, OURS)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
