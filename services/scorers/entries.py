"""What a scorer of the catalogue is: what it asks, what it needs, what it gives, and the fields of its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.messages import mark

SUITES = "suites"
CATEGORIES: dict[str, str] = {
    "rules": mark("Rules, without a model"),
    "quality": mark("Quality of the answer"),
    "safety": mark("Safety and privacy"),
    "expected": mark("Compared with what was expected"),
    "documents": mark("Documents that were looked up"),
    "tools": mark("Tools that were used"),
    "conversation": mark("Whole conversations"),
    "own": mark("In your own words or code"),
    SUITES: mark("From other suites"),
}


# Kinds of which there are several entries: the settings name the one that is meant.
NAMED = ("builtin", "suite")


@dataclass(frozen=True)
class Needs:
    """What must be there for a verdict; `expected` names what of a row it is compared with."""

    judge: bool = False
    expected: str = ""
    documents: bool = False
    tools: bool = False
    session: bool = False


@dataclass(frozen=True)
class Field:
    """One field of a scorer's form.

    `shape`: text, lines, number, fraction, choice, choices, switch, code or table. `options` maps what is stored to its label.
    `when`: the field is asked only while another one, first, has a value, second.
    """

    name: str
    shape: str
    label: str
    default: Any = None
    help: str = ""
    options: Mapping[str, str] | None = None
    when: tuple[str, str] | None = None


@dataclass(frozen=True)
class Entry:
    """One scorer of the catalogue; `mlflow` is the class of MLflow that gives the verdict, if one does."""

    id: str
    kind: str
    category: str
    title: str
    asks: str
    needs: Needs = Needs()
    gives: str = "pass"
    mlflow: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def usual_name(self) -> str:
        """What a scorer made from it is called unless somebody says otherwise; empty where it asks for own words."""
        own_words = any(one.shape in ("text", "lines", "code", "table") for one in self.fields)
        return "" if own_words else self.title.lower()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings before anything was typed."""
        named = {"scorer": self.id} if self.kind in NAMED else {}
        return named | {one.name: one.default for one in self.fields}
