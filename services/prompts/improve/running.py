"""The optimiser's job: it works in a store of its own, so that whatever it registers never reaches the real one."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services import audit, datasets, prompts, scorers
from services.audit import Verb
from services.datasets import Row
from services.errors import PlatformError
from services.prompts import Content
from services.prompts.improve.asking import Asking, Hopeless
from services.prompts.improve.measuring import measured
from services.prompts.improve.optimizing import ROUNDS, optimized

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “improve_prompt”; its result is the new content and both texts' scores."""
    asked = work.args["request"]
    base = prompts.version(workspace, asked["name"], asked["version"])
    specs = [spec for spec in scorers.all(workspace) if spec.name in asked["scorers"]]
    rows = datasets.whole_rows(workspace, asked["dataset_id"])
    learning, held_out = split(rows, asked["rows"])
    if any(scorers.needs_judge(spec) for spec in specs):
        scorers.check_judge(workspace)
    asking = Asking(workspace, work, total=ROUNDS[asked["optimizer"]] * len(learning) + 2 * len(held_out))
    built = [scorers.build(spec, workspace) for spec in specs]
    subject = f"{base.name} {base.version}"
    with audit.change(workspace, Verb.IMPROVE_PROMPT, subject, after={"optimizer": asked["optimizer"]}):
        try:
            if "content" not in work.checkpoint:
                template = optimized(workspace, work, asking, base.content, learning, built, asked["optimizer"])
                # What the optimiser wrote cost many questions: an attempt that is cut off from here on only measures.
                work.save({"content": replace(base.content, template=template).to_json()})
            content = Content.from_json(work.checkpoint["content"])
            return measured(asking, base.content, content, held_out, built)
        except Hopeless as error:
            raise PlatformError(error.message, error.remedy, retryable=True) from None


def split(rows: Sequence[Row], most: int) -> tuple[list[Row], list[Row]]:
    """Half of at most `most` rows to learn from and half to measure on; the same rows give the same halves."""
    chosen = sorted(rows, key=lambda row: row.question)
    random.Random(len(chosen)).shuffle(chosen)
    chosen = chosen[:most]
    return chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]
