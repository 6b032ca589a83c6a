"""Two evaluations beside each other: what became of each row, of each part of the dataset, and what was set differently."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from services.evaluations.browsing import BETTER, SAME, WORSE
from services.evaluations.records import NUMBER, PASS, Evaluation
from services.evaluations.sources import AGENT

# Under this name stands whether a question passes as a whole: every shared pass-or-fail scorer passed it.
WHOLE = ""
CLOSE = 1e-9
SLICES = ("topic", "language", "split", "critical")


@dataclass(frozen=True)
class Counts:
    """How many questions that both have got better, got worse or stayed the same with one scorer."""

    better: int
    worse: int
    same: int


@dataclass(frozen=True)
class Comparison:
    """`changes` has a line per question that both have and a column per shared scorer: better, worse or same."""

    kinds: Mapping[str, str]
    changes: pd.DataFrame
    only_now: tuple[str, ...]
    only_before: tuple[str, ...]

    def counts(self, scorer: str = WHOLE) -> Counts:
        found = self.changes[scorer].value_counts()
        return Counts(*(int(found.get(word, 0)) for word in (BETTER, WORSE, SAME)))


@dataclass(frozen=True)
class Slice:
    """One part of the dataset: its questions, and each scorer's mean before (None when nothing is compared) and now."""

    by: str
    value: str
    rows: int
    means: Mapping[str, tuple[float | None, float | None]]


@dataclass(frozen=True)
class Spent:
    """What answering took; None where no row tells. Tokens and cost are per question."""

    seconds: float | None
    slowest: float | None
    input_tokens: float | None
    output_tokens: float | None
    cost: float | None


@dataclass(frozen=True)
class Setting:
    """What was set differently; `what` is source, live, agent, prompt, dataset, repeats, model or a scorer's name."""

    what: str
    before: str
    now: str
    scorer: bool = False


def compare(now: pd.DataFrame, before: pd.DataFrame, kinds: Mapping[str, str]) -> Comparison:
    """What became of each question, one line per question on both sides; a question without a verdict did not pass."""
    known = {name: kind for name, kind in kinds.items() if name in now and name in before and kind in (PASS, NUMBER)}
    left, right = (_by_question(one, ["state", *known]) for one in (now, before))
    places = right.index.get_indexer(left.index)
    shared = places >= 0
    gone = np.ones(len(right), dtype=bool)
    gone[places[shared]] = False
    old, new = right.iloc[places[shared]], left[shared]
    columns = {name: _change(_worth(new, name, kind), _worth(old, name, kind)) for name, kind in known.items()}
    passing = [name for name, kind in known.items() if kind == PASS]
    columns[WHOLE] = _change(_whole(new, passing), _whole(old, passing))
    changes = pd.DataFrame(columns, index=new.index)
    return Comparison(known, changes, tuple(left.index[~shared]), tuple(right.index[gone]))


def _by_question(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Only what is compared: taking questions out of the whole table would copy every answer. Plain texts find faster."""
    ids = pd.Index(table["row_id"].to_numpy(dtype=object), dtype=object, name="row_id")
    first = ~ids.duplicated()
    return table[columns].set_axis(ids)[first]


def slices(now: pd.DataFrame, before: pd.DataFrame | None, kinds: Mapping[str, str]) -> list[Slice]:
    """The scores of each part of the dataset that has more than one part; compared on the questions both have."""
    if before is not None:
        shared = set(now["row_id"]) & set(before["row_id"])
        now, before = now[now["row_id"].isin(shared)], before[before["row_id"].isin(shared)]
    return [one for by in SLICES for one in _slices_by(by, now, before, kinds)]


def spent(table: pd.DataFrame) -> Spent:
    """Half of the answers took no longer than `seconds`; one in twenty took longer than `slowest`."""
    seconds = table.loc[table["state"].eq("OK"), "seconds"].dropna()
    return Spent(
        float(seconds.median()) if len(seconds) else None,
        float(seconds.quantile(0.95)) if len(seconds) else None,
        *(_mean(table[name]) for name in ("input_tokens", "output_tokens", "cost")),
    )


def settings(now: Evaluation, before: Evaluation) -> list[Setting]:
    """What was set differently, first what changes answers, then what changes scores."""
    pairs = [
        ("source", before.source, now.source),
        ("live", before.live, now.live),
        ("agent", before.model_id, now.model_id),
        ("prompt", _prompt(before), _prompt(now)),
        ("dataset", before.dataset_id, now.dataset_id),
        ("content", before.dataset_sha256, now.dataset_sha256),
        ("repeats", str(before.repeats), str(now.repeats)),
        ("practice", str(before.practice_answered), str(now.practice_answered)),
        ("practice judge", str(before.practice_judged), str(now.practice_judged)),
    ]
    found = [Setting(what, old, new) for what, old, new in pairs if old != new]
    for name in dict.fromkeys([*before.scorers, *now.scorers]):
        versions = [str(one.scorers[name]) if name in one.scorers else "" for one in (before, now)]
        if versions[0] != versions[1]:
            found.append(Setting(name, versions[0], versions[1], scorer=True))
    return found


def known(now: Evaluation, before: Evaluation) -> bool:
    """Whether it is known what answered on both sides; an endpoint and answers that exist do not say."""
    return all(one.source == AGENT and not one.outside for one in (now, before))


def _prompt(made: Evaluation) -> str:
    version = made.prompt_version or made.requested_version
    return f"{made.prompt_name} {version}" if made.prompt_name else ""


def _worth(table: pd.DataFrame, name: str, kind: str) -> pd.Series:
    return table[name].eq(True).astype(float) if kind == PASS else table[name].astype(float)


def _whole(table: pd.DataFrame, names: list[str]) -> pd.Series:
    passed = table["state"].eq("OK")
    for name in names:
        passed &= table[name].eq(True)
    return passed.astype(float)


def _change(now: pd.Series, before: pd.Series) -> np.ndarray:
    """A number that is missing on one side is a change for the worse on that side."""
    difference = now.fillna(-np.inf).to_numpy() - before.fillna(-np.inf).to_numpy()
    difference = np.nan_to_num(difference, nan=0.0)
    return np.where(difference > CLOSE, BETTER, np.where(difference < -CLOSE, WORSE, SAME))


def _slices_by(by: str, now: pd.DataFrame, before: pd.DataFrame | None, kinds: Mapping[str, str]) -> list[Slice]:
    if by == "critical" and not now[by].astype(bool).any():
        return []
    values = sorted(now[by].map(str).unique(), key=lambda value: (value == "", value))
    if len(values) < 2 and by != "critical":
        return []
    found = []
    for value in values:
        part = now[now[by].map(str).eq(value)]
        earlier = None if before is None else before[before["row_id"].isin(part["row_id"])]
        means = {
            name: (None if earlier is None or name not in earlier else _average(earlier, name, kind), _average(part, name, kind))
            for name, kind in kinds.items()
            if kind in (PASS, NUMBER)
        }  # fmt: skip
        found.append(Slice(by, value, len(part), means))
    return found


def _average(table: pd.DataFrame, name: str, kind: str) -> float | None:
    if kind == PASS:
        return float(table[name].eq(True).mean()) if len(table) else None
    return _mean(table[name])


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.astype(float).mean()) if len(known) else None
