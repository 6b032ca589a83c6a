"""The console's own file of prompts: YAML or JSON, every version with everything it holds."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from services import prompts, yamls
from services.errors import InvalidInputError
from services.messages import Message
from services.prompts import Origin, PromptVersion
from services.prompts.content import ORIGIN_TAGS, as_template
from services.prompts.transfer.parcel import Incoming, IncomingPrompt, Parcel, settings, unreadable

if TYPE_CHECKING:
    from services.workspace import Workspace

MARK = "signalbox_prompts"
VERSION = 1


class Loader(yamls.FASTEST):
    """Plain data only, and no words read as dates or as yes and no."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag.rsplit(":", 1)[-1] in ("null", "int", "float")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])


def _number(loader: Any, node: Any) -> Any:
    """Without YAML's old way of counting by sixties, which takes hours for a long one."""
    if ":" in node.value:
        return node.value
    return loader.construct_yaml_int(node) if node.tag.endswith(":int") else loader.construct_yaml_float(node)


Loader.add_constructor("tag:yaml.org,2002:int", _number)
Loader.add_constructor("tag:yaml.org,2002:float", _number)


class Dumper(yaml.SafeDumper):
    """Texts of several lines as they read, every value written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Lines as they read; other marks that YAML takes for the end of a line are kept by quoting them."""
    style = '"' if set(text) & set("\r\x85\u2028\u2029") else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _as_block)


def load(text: str) -> Any:
    """The data of a YAML text; raises InvalidInputError, also for references."""
    try:
        return yamls.parsed(text, Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise unreadable(" ".join(str(error).split())) from error


def export(workspace: "Workspace", names: list[str], as_json: bool = False) -> str:
    """Every version of these prompts, oldest first, without what is in the trash."""
    stored = {
        MARK: VERSION,
        "app": workspace.app.id,
        "exported_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "prompts": [_prompt(workspace, name) for name in names],
    }
    if as_json:
        return json.dumps(stored, ensure_ascii=False, indent=2)
    return yaml.dump(stored, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=10_000)


def read(stored: Mapping[str, Any]) -> Parcel:
    """What `export` wrote; entries that are no prompts are named, the others are kept."""
    if stored.get(MARK) != VERSION:
        raise unreadable(f"{MARK}: {stored.get(MARK)!r}")
    kept, refused = [], []
    for position, one in enumerate(_list(stored.get("prompts")), 1):
        try:
            kept.append(IncomingPrompt(str(one["name"]), tuple(_version(found) for found in one["versions"])))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, InvalidInputError):
            refused.append(Message("Entry {n} is no prompt with versions.", n=position))
    return Parcel("Signalbox", tuple(kept), tuple(refused))


def _prompt(workspace: "Workspace", name: str) -> dict[str, Any]:
    found = prompts.history(workspace, name)
    live = [one.version for one in found if one.live]
    return {
        "name": name,
        "live": live[0] if live else None,
        "versions": [
            {
                "version": one.version,
                "note": one.note,
                **_written(one),
                "base": one.base,
                **one.content.to_json(),
            }
            for one in reversed(found)
        ],
    }


def _written(one: PromptVersion) -> dict[str, str]:
    """Who wrote it, and when: of an imported version what its file said, so that it passes through any number of files."""
    origin = one.origin or Origin(one.author, one.created_at.isoformat(timespec="seconds"))
    return {"author": origin.author, "written_at": origin.time}


def _version(stored: Mapping[str, Any]) -> Incoming:
    schema = stored.get("response_format")
    labels = {str(key): str(value) for key, value in (stored.get("labels") or {}).items()}
    # Files of before kept the origin among the labels.
    before = Origin(*(labels.pop(tag, "") for tag in ORIGIN_TAGS))
    return Incoming(
        template=as_template(stored["template"]),
        settings=settings(stored.get("settings") or {}, {}),
        response_format=dict(schema) if schema else None,
        labels=labels,
        note=str(stored.get("note") or ""),
        author=before.author or str(stored.get("author") or ""),
        written_at=before.time or str(stored.get("written_at") or ""),
        number=int(stored["version"]) if stored.get("version") else None,
        base=int(stored["base"]) if stored.get("base") else None,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
