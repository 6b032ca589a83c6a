"""What the form of an app asks, and what must hold of it."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from zoneinfo import available_timezones

from services import money
from services.apps.gate import Gate
from services.apps.places import is_path
from services.apps.records import App
from services.errors import InvalidInputError
from services.messages import Message
from services.money import DOLLARS

SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# MLflow fills variables in by name and would take these for arguments of its own call.
RESERVED_VARIABLES = frozenset({"self", "allow_partial", "use_jinja_sandbox"})
SETTINGS = (
    "name",
    "company",
    "constants",
    "model",
    "endpoint",
    "smoke_questions",
    "prompt_cache_seconds",
    "time_zone",
    "currency",
    "currency_rate",
    "question_at",
    "answer_at",
)


@dataclass(frozen=True)
class AppForm:
    """What the form asks for; `id` is the short name used in addresses, endpoints and registered models.

    `question_at` and `answer_at` are paths as `Places` has them.
    """

    id: str
    name: str
    company: str
    model: str
    endpoint: str
    constants: Mapping[str, str] = field(default_factory=dict)
    smoke_questions: tuple[str, ...] = ()
    prompt_cache_seconds: int = 5
    time_zone: str = "UTC"
    currency: str = DOLLARS
    currency_rate: float = 1.0
    question_at: str = ""
    answer_at: str = ""
    gate: Gate = field(default_factory=Gate)


def form_of(app: App) -> AppForm:
    """The form filled with what the app has now."""
    return AppForm(id=app.id, gate=app.gate, **settings_of(app))


def settings_of(source: AppForm | App) -> dict[str, Any]:
    """What is stored as the app's settings."""
    return {name: value for name, value in asdict(source).items() if name in SETTINGS}


def check(form: AppForm) -> None:
    """Raise InvalidInputError with the first thing to mend."""
    for problem in problems(form).values():
        raise problem


def problems(form: AppForm) -> dict[str, InvalidInputError]:
    """What cannot be used, by the field's name, in the form's order; empty when all of it can."""
    named = Message("Use 2 to 40 small letters, digits and hyphens, beginning with a letter, such as customer-support.")
    found = {}
    if not form.name.strip():
        found["name"] = InvalidInputError(Message("The app has no name."), Message("Type the name people know it by."))
    if not form.id:
        found["id"] = InvalidInputError(Message("The app has no short name."), named)
    elif not SLUG.fullmatch(form.id):
        found["id"] = InvalidInputError(Message("“{id}” cannot be a short name.", id=form.id), named)
    if form.endpoint != form.id and not SLUG.fullmatch(form.endpoint):  # the same name is told once, above
        found["endpoint"] = InvalidInputError(
            Message("“{name}” cannot be an endpoint's name.", name=form.endpoint), named
        )
    if form.time_zone not in available_timezones():
        found["zone"] = InvalidInputError(
            Message("“{name}” is not a time zone.", name=form.time_zone), Message("Write it like Asia/Tokyo or UTC.")
        )
    if not _is_currency(form.currency, form.currency_rate):
        found["currency"] = InvalidInputError(
            Message(
                "One US dollar cannot be {rate} {currency}.", rate=f"{form.currency_rate:g}", currency=form.currency
            ),
            Message("Choose a currency, and type how much of it one US dollar is; of US dollars that is 1."),
        )
    for name, path in (("question", form.question_at), ("answer", form.answer_at)):
        if path and not is_path(path):
            found[name] = InvalidInputError(
                Message("“{path}” is not the way to a place in a trace.", path=path),
                Message("Write it like $.payload.query, with [*] for every part of a list: $.result.parts[*].text."),
            )
    wrong = [name for name in form.constants if not VARIABLE.fullmatch(name) or name in RESERVED_VARIABLES]
    if wrong:
        found["constants"] = InvalidInputError(
            Message("“{name}” cannot be a prompt variable.", name=wrong[0]),
            Message("Use letters, digits and underscores, beginning with a letter."),
        )
    return found


def _is_currency(code: str, rate: float) -> bool:
    return code in money.known() and math.isfinite(rate) and rate > 0 and (code != DOLLARS or rate == 1)
