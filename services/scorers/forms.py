"""What must hold of a scorer before it is kept."""

import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.audit import Verb
from services.errors import ConflictError, InvalidInputError
from services.messages import Message
from services.scorers import catalogue, judged, own_code, rules, suites
from services.scorers.entries import NAMED, Entry
from services.scorers.json_form import problem_of_schema
from services.scorers.patterns import problem_of_pattern
from services.scorers.records import ScorerSpec, all

if TYPE_CHECKING:
    from services.workspace import Workspace

NAME = re.compile(r"[^\W_][\w .-]{0,39}")
READS_ANSWER_ONLY = frozenset({"length", "mentions", "pattern", "json_schema", "polite", "word_list"})
# An evaluation's table has a column per scorer beside these, and three more that end in SUFFIXES.
COLUMNS = {"row_id", "repeat", "question", "messages", "expected", "critical", "topic", "language", "split", "answer"}
COLUMNS |= {"state", "error", "trace_id", "prompt_version", "prompt_seen", "seconds", "input_tokens", "output_tokens"}
COLUMNS |= {"cost", "helpful"}
SUFFIXES = (".reason", ".rationale", ".error")
MOST = 30


def verb_of(spec: ScorerSpec) -> Verb:
    """What keeping or trying it needs the right for: code needs more than words."""
    return Verb.SAVE_SCORER_CODE if spec.kind == "code" else Verb.SAVE_SCORER


def check(workspace: "Workspace", spec: ScorerSpec) -> None:
    """Raise InvalidInputError with what to mend; the name is checked first."""
    check_name(workspace, spec.name)
    check_settings(workspace, spec)


def filled_in(spec: ScorerSpec) -> dict[str, Any]:
    """What the form shows of a scorer, also of one kept before a field was there."""
    shown = catalogue.of(spec).settings | dict(spec.settings)
    if spec.kind == "mentions":
        shown |= dict(zip(("must", "must_not"), rules.phrases(spec.settings), strict=True))
    return shown


def taken(name: str) -> ConflictError:
    """What a new scorer meets whose name another one has."""
    return ConflictError(
        Message("There is already a scorer {name}.", name=name),
        Message("Choose another name, or open that scorer and change it."),
    )


def free_name(workspace: "Workspace", entry: Entry) -> str:
    """The entry's usual name, with a number where a scorer of the app has it; empty where it has none."""
    used = {one.name for one in all(workspace)}
    numbered = (f"{entry.usual_name} {number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([entry.usual_name], numbered) if one not in used)


def check_name(workspace: "Workspace", name: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            Message("“{name}” cannot be a scorer's name.", name=name),
            Message("Use up to 40 letters, digits, blanks, dots and hyphens, beginning with a letter or digit."),
        )
    if name in COLUMNS or name.endswith(SUFFIXES):
        raise InvalidInputError(
            Message("“{name}” cannot be a scorer's name.", name=name),
            Message("The table of an evaluation has a column of that name. Choose another name."),
        )
    if len([one for one in all(workspace) if one.name != name]) >= MOST:
        raise InvalidInputError(Message("An app can have {n} scorers at most.", n=MOST), Message("Remove one first."))


def check_settings(workspace: "Workspace", spec: ScorerSpec) -> None:
    """Raise InvalidInputError for settings that would judge nothing or cannot be used."""
    known = spec.settings.get("scorer") if spec.kind in NAMED else spec.kind
    if catalogue.entry(str(known)) is None:
        raise InvalidInputError(
            Message("There is no kind of scorer called {kind}.", kind=str(known)), Message("Choose one from the list.")
        )
    if spec.kind == "judge":
        judged.check(spec.settings, workspace.app.variables)
    if spec.kind == "code":
        own_code.check(spec.settings)
    if spec.kind == "suite":
        suites.check(spec.settings)
    _check_numbers(spec.settings)
    _check_words(spec.kind, spec.settings)
    _check_written(spec.kind, spec.settings)


def _check_numbers(settings: Mapping[str, Any]) -> None:
    pairs = [("shortest", "longest"), ("min_length", "max_length")]
    for low, high in pairs:
        if low in settings and not 0 <= settings[low] <= settings[high]:
            raise InvalidInputError(
                Message("The shortest length is above the longest."), Message("Swap or correct the two numbers.")
            )


def _check_words(kind: str, settings: Mapping[str, Any]) -> None:
    if kind == "mentions" and not any(one.strip() for part in rules.phrases(settings) for one in part):
        raise InvalidInputError(
            Message("There is nothing to mention."), Message("Type the words that every answer shall contain.")
        )
    if "guidelines" in settings and not [line for line in settings["guidelines"] if line.strip()]:
        raise InvalidInputError(
            Message("There is no guideline."), Message("Write at least one sentence that an answer must fulfil.")
        )
    if settings.get("scorer") == "PIIDetection" and not settings["pii_types"]:
        raise InvalidInputError(Message("There is nothing to look for."), Message("Choose at least one kind of data."))


def _check_written(kind: str, settings: Mapping[str, Any]) -> None:
    if kind == "pattern":
        _check_pattern(str(settings["pattern"]))
    if kind != "json_schema":
        return
    if not settings.get("fields") and not str(settings.get("schema") or "").strip():
        raise InvalidInputError(Message("The JSON has no fields."), Message("List at least one field."))
    wrong = problem_of_schema(settings)
    if wrong:
        raise InvalidInputError(
            Message("The JSON schema cannot be used: {reason}", reason=wrong),
            Message("Correct it, or list the fields instead."),
        )


def _check_pattern(written: str) -> None:
    if not written.strip():
        raise InvalidInputError(Message("There is no pattern."), Message("Type a regular expression."))
    wrong = problem_of_pattern(written)
    if wrong:
        raise InvalidInputError(
            Message("The pattern cannot be used: {reason}", reason=wrong),
            Message(
                "Look-around and references back are not possible: they could take forever. Write it without them."
            ),
        )
