"""Which column means what, which lines cannot be rows and why, and what a dataset becomes by them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.datasets import shapes, stored
from services.datasets.exporting import plain
from services.datasets.incoming.files import Line, Sheet
from services.datasets.row import LONGEST_QUESTION, Row, with_id
from services.jsons import parsed
from services.messages import LANGUAGES, Message, mark

FIELDS = {
    "question": mark("Question"),
    "expected": mark("Expected answer"),
    "critical": mark("Critical"),
    "topic": mark("Topic"),
    "language": mark("Language"),
    "split": mark("Part"),
    "expected_facts": mark("Expected facts"),
    "guidelines": mark("Guidelines"),
    "messages": mark("Conversation"),
}
# Our own export carries all of these, a file of MLflow's records the others; nobody maps them by hand.
CARRIED = ("source", "form", "row")
RECORD = ("inputs", "expectations", "tags")
NAMES = {
    "question": ("question", "query", "prompt", "input", "q", "user", "質問", "問い合わせ", "問い", "入力"),
    "expected": ("expected", "expected_response", "expected_answer", "answer", "ground_truth", "reference", "output",
                 "期待する回答", "期待する答え", "期待回答", "正解", "回答", "模範解答"),
    "critical": ("critical", "important", "must", "重要", "必須"),
    "topic": ("topic", "category", "tag", "label", "トピック", "分類", "カテゴリ", "カテゴリー"),
    "language": ("language", "lang", "locale", "言語"),
    "split": ("split", "part", "set", "区分", "分割"),
    "expected_facts": ("expected_facts", "facts", "事実", "期待する事実"),
    "guidelines": ("guidelines", "guideline", "ガイドライン", "指針"),
    "messages": ("messages", "conversation", "会話"),
}  # fmt: skip
# What the name of the questions' column ends with where it says more: “Customer question”, 「お客様の質問」.
QUESTION_ENDS = ("_question", "_query", "質問", "問い合わせ", "問い合わせ内容")
YES = {"true", "yes", "y", "1", "x", "○", "◯", "はい", "重要", "critical"}
NO = {"", "false", "no", "n", "0", "-", "×", "いいえ"}
LANGUAGE_NAMES = {name.casefold(): code for code, name in LANGUAGES.items()} | {"japanese": "ja", "英語": "en"}
LONGEST_WORD = 80


@dataclass(frozen=True)
class Bad:
    """A line that cannot be a row, how it begins, and why."""

    line: int
    start: str
    reason: Message


@dataclass(frozen=True)
class Incoming:
    """The rows of a file; `fields` are those that it says something about."""

    rows: tuple[Row, ...]
    bad: tuple[Bad, ...]
    fields: frozenset[str]


@dataclass(frozen=True)
class Merged:
    """What a dataset becomes: its rows, and how many of them are new, changed or as they were."""

    rows: tuple[Row, ...]
    new: int
    changed: int
    same: int


class _Unusable(Exception):
    def __init__(self, reason: Message) -> None:
        self.reason = reason


def guess(columns: Sequence[str]) -> dict[str, str]:
    """The column of each field by its name; a file of one column holds questions."""
    known = {name.strip().casefold().replace(" ", "_"): name for name in reversed(columns)}
    found = {field: next((known[name] for name in names if name in known), "") for field, names in NAMES.items()}
    if not any(found.values()) and len(columns) == 1:
        found["question"] = columns[0]
    if not (found["question"] or found["messages"]):
        found["question"] = next(
            (column for name, column in reversed(known.items()) if name.endswith(QUESTION_ENDS)), ""
        )
    return {field: column for field, column in found.items() if column}


def is_record(sheet: Sheet) -> bool:
    """Whether the lines are MLflow's own records, which need no mapping."""
    return "inputs" in sheet.columns and "question" not in sheet.columns


def rows_of(sheet: Sheet, mapping: Mapping[str, str]) -> Incoming:
    """The rows by this mapping, each request once."""
    used = {field: column for field, column in mapping.items() if column in sheet.columns}
    if set(CARRIED) <= set(sheet.columns):
        used |= {field: field for field in CARRIED}
    rows: dict[str, Row] = {}
    lines: dict[str, int] = {}
    bad: list[Bad] = []
    for line in sheet.lines:
        try:
            row = _record(line) if is_record(sheet) else _row(line, used)
            if row.id in rows:
                raise _Unusable(Message("it asks the same as line {n}", n=lines[row.id]))
            rows[row.id], lines[row.id] = row, line.number
        except _Unusable as error:
            bad.append(Bad(line.number, _start(line), error.reason))
    fields = frozenset(FIELDS) if is_record(sheet) else frozenset(used) & set(FIELDS)
    if "messages" in fields and any(row.expected for row in rows.values()):
        fields |= {"expected"}
    return Incoming(tuple(rows.values()), tuple(bad), fields)


def merge(there: Iterable[Row], incoming: Incoming, *, update: bool) -> Merged:
    """The rows that are there, then the new ones; with `update`, what the file says about the others counts."""
    rows = {row.id: row for row in there}
    told = incoming.fields - {"question", "messages"}
    new = changed = 0
    for row in incoming.rows:
        old = rows.get(row.id)
        if old is None:
            rows[row.id] = row
            new += 1
        elif update:
            values: dict[str, Any] = {field: getattr(row, field) for field in told}
            rows[row.id] = replace(old, **values)
            changed += rows[row.id] != old
    return Merged(tuple(rows.values()), new, changed, len(incoming.rows) - new - changed)


def _row(line: Line, used: Mapping[str, str]) -> Row:
    if line.problem:
        raise _Unusable(line.problem)
    cells = {field: plain(line.cells.get(column, "")) for field, column in used.items()}
    messages, answer = _messages(cells.get("messages", ""))
    question = cells.get("question") or (messages[-1]["content"] if messages else "")
    # An empty question is a valid test, but only our own export can be trusted to mean it.
    if not question.strip() and "row" not in used:
        raise _Unusable(Message("it has no question"))
    if len(question) > LONGEST_QUESTION:
        raise _Unusable(
            Message("its question has {n} characters, {limit} are allowed", n=len(question), limit=LONGEST_QUESTION)
        )
    row = Row(
        id="",
        question=question,
        expected=cells.get("expected") or answer,
        critical=_critical(cells.get("critical", "")),
        topic=_word(cells.get("topic", "")),
        language=_language(cells.get("language", "")),
        split=_word(cells.get("split", "")),
        messages=messages if len(messages) > 1 else (),
        guidelines=_list(cells.get("guidelines", "")),
        expected_facts=_list(cells.get("expected_facts", "")),
        source=cells.get("source", ""),
        form=_object(cells.get("form", "")),
    )
    return with_id(row)


def _record(line: Line) -> Row:
    """A line as MLflow keeps records: inputs, expectations, tags."""
    if line.problem:
        raise _Unusable(line.problem)
    inputs, expectations, tags = (_object(line.cells.get(name, "")) for name in RECORD)
    if not inputs:
        raise _Unusable(Message("its inputs are no object with named fields"))
    row = stored.row_of(inputs, expectations, tags)
    if len(row.question) > LONGEST_QUESTION:
        raise _Unusable(
            Message("its question has {n} characters, {limit} are allowed", n=len(row.question), limit=LONGEST_QUESTION)
        )
    return row


def _critical(cell: str) -> bool:
    said = cell.strip().casefold()
    if said not in YES | NO:
        raise _Unusable(Message("“{cell}” does not say whether it is critical: write yes or no", cell=said[:40]))
    return said in YES


def _language(cell: str) -> str:
    said = cell.strip()
    return LANGUAGE_NAMES.get(said.casefold(), said.casefold() if said.casefold() in LANGUAGES else _word(said))


def _word(cell: str) -> str:
    if len(cell) > LONGEST_WORD:
        raise _Unusable(Message("“{cell}…” is too long for a topic, language or part", cell=cell[:40]))
    return cell.strip()


def _list(cell: str) -> tuple[str, ...]:
    """A JSON list, or one item per line."""
    try:
        found = parsed(cell) if cell.lstrip().startswith("[") else None
    except ValueError:
        found = None
    lines = found if isinstance(found, list) else cell.replace("\r", "\n").split("\n")
    return tuple(str(line) for line in lines if str(line).strip())


def _messages(cell: str) -> tuple[tuple[dict[str, str], ...], str]:
    """The conversation up to its last question, and the answer that stands behind it."""
    if not cell.strip():
        return (), ""
    try:
        turns = [{"role": str(one["role"]), "content": shapes.text(one["content"])} for one in parsed(cell)]
    except (ValueError, TypeError, KeyError) as error:
        raise _Unusable(Message("its conversation is no JSON list of messages with role and content")) from error
    end = max((place for place, turn in enumerate(turns, 1) if turn["role"] == "user"), default=len(turns))
    answers = [turn["content"] for turn in turns[end:] if turn["role"] == "assistant"]
    return tuple(turns[:end]), answers[-1] if answers else ""


def _object(cell: str) -> dict[str, Any]:
    try:
        found = parsed(cell) if cell.strip() else {}
    except ValueError as error:
        raise _Unusable(Message("“{cell}…” is not JSON", cell=cell[:40])) from error
    return found if isinstance(found, dict) else {}


def _start(line: Line) -> str:
    return next((cell.strip()[:60] for cell in line.cells.values() if cell.strip()), "")
