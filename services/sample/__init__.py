"""The sample app, loaded from the data files of this folder: settings, prompts, knowledge, rows, word lists."""

import functools
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "ja")
# Where the web server shows each topic of the knowledge, followed by its id and language.
DOCUMENTS = "/api/sample/documents/"


@dataclass(frozen=True)
class SamplePrompt:
    """One version of the sample prompt, in the order it is saved."""

    template: str
    note: str


@dataclass(frozen=True)
class SampleScorer:
    """A scorer as the scorers screen stores it."""

    name: str
    kind: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class SampleRow:
    """A question of the evaluation dataset; `id` follows from the question alone."""

    id: str
    question: str
    expected: str
    critical: bool
    topic: str
    language: str


@dataclass(frozen=True)
class SampleApp:
    """The settings of the sample app; `minimum` holds the gate's pass rates by scorer."""

    id: str
    name: str
    company: str
    prompt_name: str
    agent_name: str
    dataset_name: str
    endpoint: str
    time_zone: str
    smoke_questions: tuple[str, ...]
    constants: Mapping[str, str]
    minimum: Mapping[str, float]
    gate_rows: int
    scorers: tuple[SampleScorer, ...]
    prompts: tuple[SamplePrompt, ...]


@dataclass(frozen=True)
class Topic:
    """What the practice model knows about one topic in one language, from the bare fact to the steps."""

    id: str
    keywords: tuple[str, ...]
    short: str
    facts: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def title(self) -> str:
        return self.keywords[0].capitalize()


@dataclass(frozen=True)
class Courtesy:
    """What counts as polite in one language: expressions (English) or sentence endings (Japanese), and rude words."""

    courteous: tuple[str, ...]
    rude: tuple[str, ...]


def row_id(question: str) -> str:
    """The stable id of a question: the same text has the same id everywhere."""
    return hashlib.sha256(question.encode()).hexdigest()[:12]


@functools.cache
def app() -> SampleApp:
    stored = _toml(FOLDER / "app.toml")
    gate, scorers = stored.pop("gate"), stored.pop("scorer")
    del stored["prompt"]
    return SampleApp(
        **stored | {"smoke_questions": tuple(stored["smoke_questions"])},
        minimum=gate["minimum"],
        gate_rows=gate["rows"],
        scorers=tuple(SampleScorer(**scorer) for scorer in scorers),
        prompts=prompts("en"),
    )


@functools.cache
def prompts(language: str) -> tuple[SamplePrompt, ...]:
    """The prompt's versions as somebody with this language would write them; they ask the model for the same."""
    stored = _toml(FOLDER / "app.toml")["prompt"]
    return tuple(SamplePrompt(_template(f"{one['file']}.{language}.md"), one["note"][language]) for one in stored)


@functools.cache
def rows() -> tuple[SampleRow, ...]:
    """The evaluation dataset, both languages."""
    lines = (FOLDER / "dataset.jsonl").read_text("utf-8").splitlines()
    stored = [json.loads(line) for line in lines]
    return tuple(SampleRow(id=row_id(row["question"]), **row) for row in stored)


@functools.cache
def knowledge(file: Path = FOLDER / "knowledge.toml") -> Mapping[str, tuple[Topic, ...]]:
    """The topics by language."""
    stored = _toml(file)["topic"]
    return {language: tuple(_topic(one["id"], one[language]) for one in stored) for language in LANGUAGES}


@functools.cache
def word_list() -> tuple[str, ...]:
    """The published words that make an answer unsafe, both languages."""
    stored = _toml(FOLDER / "word_list.toml")
    return tuple(word for language in LANGUAGES for word in stored[language])


@functools.cache
def courtesy(language: str) -> Courtesy:
    return Courtesy(**{name: tuple(words) for name, words in _toml(FOLDER / "polite.toml")[language].items()})


def _topic(id: str, stored: Mapping[str, Any]) -> Topic:
    listed = {name: tuple(stored[name]) for name in ("keywords", "facts", "steps")}
    return Topic(id=id, short=stored["short"], **listed)


def _template(name: str) -> str:
    return (FOLDER / "prompts" / name).read_text("utf-8").strip()


def _toml(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)
