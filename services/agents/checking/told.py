"""What the probe saw, in words: each thing that can go wrong with how to mend it."""

from collections.abc import Mapping
from typing import Any

from services.agents.checking.findings import Finding
from services.agents.checking.sayings import SAYINGS
from services.messages import Message
from services.secrets import masked

LONGEST = 300
# The values that sayings name.
NAMES = ("expected", "form", "name", "n", "reason", "word")
RETURNS = {
    "ResponsesAgentResponse": "ResponsesAgentResponse(output=[self.create_text_output_item(text=…, id=…)])",
    "ResponsesAgentStreamEvent": "ResponsesAgentStreamEvent(**self.create_text_delta(delta=…, item_id=…))",
    "ChatAgentResponse": 'ChatAgentResponse(messages=[ChatAgentMessage(role="assistant", content=…, id=…)])',
    "ChatAgentChunk": 'ChatAgentChunk(delta=ChatAgentMessage(role="assistant", content=…, id=…))',
}
STEP = {
    "load": Message("while the file was loaded"),
    "ask": Message("at the first question"),
    "stream": Message("while it streamed an answer"),
    "talk": Message("in the second turn of a conversation, or in a second conversation"),
    "empty": Message("at a request without a message"),
}


def finding(seen: Any) -> Finding | None:
    """One thing that the child wrote down, which the file's code may have written as well: nothing in it is trusted."""
    if not isinstance(seen, dict) or not isinstance(seen.get("code"), str) or not isinstance(seen.get("values"), dict):
        return None
    if seen["code"] not in SAYINGS:
        return None
    given = {str(name): masked(str(value))[:LONGEST] for name, value in seen["values"].items()}
    values = dict.fromkeys(NAMES, "?") | {name: given[name] for name in given if name in NAMES}
    values["form"] = RETURNS.get(values["expected"], "?")
    promised = seen["code"] == "wrong_answer" and values["expected"] not in RETURNS
    saying = SAYINGS["wrong_typed" if promised else seen["code"]]
    line = seen.get("line") if isinstance(seen.get("line"), int) else None
    what, why, mend = (_filled(id, values) for id in (saying.what, saying.why, saying.mend))
    return Finding(what, why, mend, saying.blocking, line)


def _filled(id: str, values: Mapping[str, str]) -> Message:
    """The message with the values that it names, and no others."""
    return Message(id, **{name: value for name, value in values.items() if f"{{{name}}}" in id})


def hung(step: str, seconds: float, place: str, line: int | None) -> Finding:
    when = STEP.get(step, STEP["ask"])
    what = (
        Message(
            "It hung {when}: after {n} seconds it was still in {place}.", when=when, n=f"{seconds:.0f}", place=place
        )
        if place
        else Message("It hung {when}: it had not ended after {n} seconds.", when=when, n=f"{seconds:.0f}")
    )
    return Finding(
        what,
        Message("A question that never ends holds a place of the server until it is restarted."),
        Message("Give every call to the outside a time limit, for example OpenAI(timeout=30), and end every loop."),
        blocking=True,
        line=line,
    )


def ended(step: str, last_words: str) -> Finding:
    when = STEP.get(step, STEP["ask"])
    what = (
        Message(
            "It ended its own process {when}. Its last words: “{words}”", when=when, words=masked(last_words)[:LONGEST]
        )
        if last_words
        else Message("It ended its own process {when}, without a word.", when=when)
    )
    return Finding(
        what,
        Message("On a server it would take down the answers of everyone."),
        Message("Take out what ends the process, for example os._exit, or a native library that crashes."),
        blocking=True,
    )
