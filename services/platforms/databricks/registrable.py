"""Our scorers in the shape in which a workspace runs them: its own judges, and small functions that carry their settings."""

import ast
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import mlflow
import mlflow.genai.scorers
from mlflow.genai.scorers import Guidelines, RetrievalGroundedness, Scorer

from services import sample
from services.messages import Message
from services.scorers import catalogue, judged, rules
from services.scorers.records import ScorerSpec

TEXT = """
import re, unicodedata
from mlflow.entities import Feedback
items = outputs.get("output") or [] if isinstance(outputs, dict) else []
parts = [part for item in items if isinstance(item, dict) for part in item.get("content") or [] if isinstance(part, dict)]
text = outputs if isinstance(outputs, str) else "".join(str(part.get("text") or "") for part in parts)
fold = lambda said: " ".join(unicodedata.normalize("NFKC", said).casefold().split())
"""
LENGTH = """
size = len(text.strip())
return Feedback(value={shortest} <= size <= {longest}, rationale=f"{{size}} characters, {shortest} to {longest} are asked for.")
"""
MENTIONS = """
folded = fold(text)
missing = [phrase for phrase in {must} if fold(phrase) not in folded]
wrong = [phrase for phrase in {must_not} if fold(phrase) in folded]
said = "Not mentioned: " + ", ".join(missing) if missing else "Mentioned: " + ", ".join(wrong) if wrong else "All is mentioned."
return Feedback(value=bool(text.strip()) and not missing and not wrong, rationale=said)
"""
PATTERN = """
flags = re.ASCII | (re.IGNORECASE if {ignore_case} else 0)
found = (re.fullmatch if {whole} else re.search)({pattern}, text, flags)
return Feedback(value=bool(text.strip()) and (found is None) == {forbidden}, rationale="It fits." if found else "It does not fit.")
"""
WORD_LIST = """
folded = fold(text)
bounded = lambda word: word if re.search("[぀-ヿ㐀-鿿]", word) else "(?<![a-z0-9])" + word + "(?![a-z0-9])"
found = [word for word in {words} if re.search(bounded(re.escape(fold(word))), folded)]
return Feedback(value=not found, rationale="Found: " + found[0] if found else "Nothing of the word list was found.")
"""
RULES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "length": lambda given: LENGTH.format(shortest=int(given["shortest"]), longest=int(given["longest"])),
    "mentions": lambda given: MENTIONS.format(must=rules.phrases(given)[0], must_not=rules.phrases(given)[1]),
    "pattern": lambda given: PATTERN.format(
        pattern=repr(_in_python(str(given["pattern"]))),
        whole=bool(given.get("whole")),
        ignore_case=bool(given.get("ignore_case")),
        forbidden=bool(given.get("forbidden")),
    ),
    "word_list": lambda given: WORD_LIST.format(words=list(sample.word_list())),
}
OF_THE_MODULE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.If, ast.Try, ast.For, ast.With)
# An escaped character and a class are passed over as a whole; with the flag m both engines mean the end of a line.
DOLLAR = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
LINES = re.compile(r"\(\?[a-zA-Z]*m")
JUDGED = ("guidelines", "builtin", "grounded", "judge")


def refusal(spec: ScorerSpec) -> Message | None:
    """Why a workspace cannot judge live answers by it; None when it can."""
    if spec.kind == "code":
        return _refused_code(str(spec.settings["source"]), str(spec.settings["function"]))
    if spec.kind == "pattern":
        return _refused_pattern(str(spec.settings["pattern"]))
    if spec.kind in RULES or spec.kind in JUDGED:
        return None
    return Message("Databricks cannot run this check on live answers; it still counts in evaluations.")


def scorer(spec: ScorerSpec, settings: Mapping[str, Any]) -> Scorer:
    """The scorer to register; `settings` have the app's variables filled in. Code that was brought is not run here."""
    if spec.kind == "guidelines":
        return Guidelines(name=spec.name, guidelines=list(settings["guidelines"]))
    if spec.kind == "grounded":
        return RetrievalGroundedness(name=spec.name)
    if spec.kind == "builtin":
        kept = {name: value for name, value in settings.items() if name != "scorer"}
        made: Scorer = getattr(mlflow.genai.scorers, catalogue.of(spec).mlflow)(name=spec.name, **kept)
        return made
    if spec.kind == "judge":
        return judged.mlflows(spec.name, settings, None)
    if spec.kind == "code":
        return _function(spec.name, *_brought(str(settings["source"]), str(settings["function"])))
    return _function(spec.name, TEXT + RULES[spec.kind](settings), "(outputs)")


def _function(name: str, body: str, signature: str) -> Scorer:
    """A function as MLflow stores one that @scorer marks."""
    return Scorer.model_validate(
        {
            "name": name,
            "mlflow_version": mlflow.__version__,
            "serialization_version": 1,
            "call_source": body.strip(),
            "call_signature": signature,
            "original_func_name": "judge",
        }
    )


def _brought(source: str, function: str) -> tuple[str, str]:
    """Body and signature of the function, with the file's imports, which it takes along."""
    parsed = ast.parse(source)
    imports = [ast.unparse(one) for one in parsed.body if isinstance(one, ast.Import | ast.ImportFrom)]
    found = _definition(parsed, function)
    body = [textwrap.dedent(ast.unparse(one)) for one in found.body]
    return "\n".join([*imports, *body]), f"({ast.unparse(found.args)})"


def _definition(parsed: ast.Module, function: str) -> ast.FunctionDef:
    return next(one for one in parsed.body if isinstance(one, ast.FunctionDef) and one.name == function)


def _refused_code(source: str, function: str) -> Message | None:
    """Only the function and the imports go along: what else of the file it uses would be unknown there."""
    parsed = ast.parse(source)
    beside = {one.name for one in parsed.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    beside |= {name.id for one in parsed.body for name in _names(one, ast.Store) if isinstance(one, OF_THE_MODULE)}
    found = _definition(parsed, function)
    own = {one.arg for one in ast.walk(found) if isinstance(one, ast.arg)} | {
        one.id for one in _names(found, ast.Store)
    }
    used = sorted({one.id for one in _names(found, ast.Load)} & beside - own)
    if not used:
        return None
    return Message(
        "Databricks takes the function alone, and it uses more of its file: {names}. It still counts in evaluations.",
        names=", ".join(used),
    )


def _names(inside: ast.AST, kind: type[ast.expr_context]) -> list[ast.Name]:
    return [one for one in ast.walk(inside) if isinstance(one, ast.Name) and isinstance(one.ctx, kind)]


def _refused_pattern(written: str) -> Message | None:
    try:
        re.compile(_in_python(written), re.ASCII)
    except re.error as error:
        return Message(
            "Databricks cannot read this pattern ({reason}); it still counts in evaluations.", reason=str(error)
        )
    return None


def _in_python(written: str) -> str:
    """The end of the text is a plain “$” to RE2, while Python's also stands before a last line break."""
    if LINES.search(written):
        return written
    return DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], written)
