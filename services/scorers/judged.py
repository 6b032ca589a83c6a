"""A judge of one's own: MLflow's make_judge with instructions that a person wrote, checked before it is kept."""

from collections.abc import Mapping
from typing import Any, Literal

from mlflow.entities import AssessmentError, Feedback, Trace
from mlflow.genai.judges import make_judge
from mlflow.genai.judges.base import Judge

from services.errors import InvalidInputError
from services.messages import Message
from services.scorers import kinds
from services.scorers.built import JudgeScorer, turns
from services.scorers.conversations import session_of
from services.scorers.kinds import VARIABLE
from services.scorers.provided import missing

FIELDS = ("inputs", "outputs", "expectations", "trace", "conversation")
LONGEST = 20_000
MOST_CATEGORIES = 10


class OwnJudge(JudgeScorer):
    """Yes or no and categories become passed or failed, a number stays one."""

    def _unanswered(self) -> Feedback:
        if self._settings["answer"] != "number":
            return super()._unanswered()
        low = float(self._settings["low"])
        return Feedback(name=self.name, value=low, rationale="There is no answer.", metadata=self._stamp())

    def _judged(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        needed = kinds.needs(self._spec)
        session = session_of(inputs, answer, trace) if needed.session else None
        code, reason = missing(needed, expectations, trace, session)
        if reason:
            return self._nothing_to_judge(code, reason)
        self._reach()
        judge = mlflows(self.name, self._settings, self._judge)
        uses_trace = "trace" in VARIABLE.findall(str(self._settings["instructions"]))
        # The expected answer is handed over only to a judge that asks for it.
        found: Any = judge(
            inputs=None if session else {"messages": turns(inputs)},
            outputs=None if session else answer,
            expectations=expectations if needed.expected else None,
            trace=trace if uses_trace else None,
            session=session,
        )
        return self._read(found)

    def _read(self, found: Feedback) -> Feedback:
        if found.error:
            return Feedback(name=self.name, error=found.error, metadata=self._stamp())
        value = read(self._settings, found.value)
        if value is None:
            error = AssessmentError("UNCLEAR_VERDICT", f"The judge said “{found.value}”, which is no answer asked for.")
            return Feedback(name=self.name, error=error, metadata=self._stamp())
        return self._given(value, found.rationale, found.source)


def mlflows(name: str, settings: Mapping[str, Any], model: str | None) -> Judge:
    """MLflow's judge with these settings, the app's variables filled in."""
    return make_judge(
        name=name,
        instructions=str(settings["instructions"]),
        model=model,
        feedback_value_type=_value_type(settings),
        generate_rationale_first=True,
    )


def check(settings: Mapping[str, Any], known: Mapping[str, str]) -> None:
    """What make_judge would refuse, and what would judge nothing; `known` are the app's variables."""
    instructions = str(settings["instructions"]).strip()
    if not instructions:
        raise InvalidInputError(
            Message("The judge has no instructions."),
            Message("Write what it shall look at, and when an answer is good."),
        )
    if len(instructions) > LONGEST:
        raise InvalidInputError(
            Message("The instructions have {n} characters; {limit} are allowed.", n=len(instructions), limit=LONGEST),
            Message("Shorten them."),
        )
    _check_fields(set(VARIABLE.findall(instructions)), known)
    _check_answer(settings)


def _check_fields(named: set[str], known: Mapping[str, str]) -> None:
    offered = ", ".join(f"{{{{ {one} }}}}" for one in FIELDS)
    wrong = sorted(named - {*FIELDS} - {*known})
    if wrong:
        raise InvalidInputError(
            Message("The judge cannot be given {name}.", name=f"{{{{ {wrong[0]} }}}}"),
            Message("It can be given {names}, and the app's variables.", names=offered),
        )
    if not named & {*FIELDS}:
        raise InvalidInputError(
            Message("The instructions do not say what is judged."),
            Message("Name at least one of {names}.", names=offered),
        )
    if "conversation" in named and named & {"inputs", "outputs", "trace"}:
        raise InvalidInputError(
            Message("A judge of conversations is given the whole conversation only."),
            Message(
                "Use {conversation} alone or with {expectations}.",
                conversation="{{ conversation }}",
                expectations="{{ expectations }}",
            ),
        )


def _check_answer(settings: Mapping[str, Any]) -> None:
    if settings["answer"] == "number" and not float(settings["low"]) < float(settings["high"]):
        raise InvalidInputError(
            Message("The lowest number is not below the highest."), Message("Swap or correct the two numbers.")
        )
    if settings["answer"] != "categories":
        return
    categories, passing = [*settings["categories"]], [*settings["passing"]]
    if not 2 <= len(set(categories)) == len(categories) <= MOST_CATEGORIES:
        raise InvalidInputError(
            Message("A judge needs 2 to {n} different categories.", n=MOST_CATEGORIES),
            Message("Write one per line."),
        )
    strange = [one for one in passing if one not in categories]
    if strange or not passing or len(passing) == len(categories):
        raise InvalidInputError(
            Message("Some categories must pass and others must not."),
            Message("Name those that pass, written as in the list of categories."),
        )


def _value_type(settings: Mapping[str, Any]) -> Any:
    if settings["answer"] == "number":
        return float
    allowed = tuple(settings["categories"]) if settings["answer"] == "categories" else ("yes", "no")
    return Literal[allowed]


def read(settings: Mapping[str, Any], said: Any) -> bool | float | None:
    """The verdict; None for a word or number that was not asked for."""
    if settings["answer"] == "categories":
        return said in settings["passing"] if said in settings["categories"] else None
    if settings["answer"] == "yes_no":
        return {"yes": True, "no": False}.get(str(said).lower())
    if not isinstance(said, int | float) or isinstance(said, bool):
        return None
    return float(said) if float(settings["low"]) <= said <= float(settings["high"]) else None
