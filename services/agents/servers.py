"""MCP servers of the built-in agent: what the form says of them, and what each must be."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any
from urllib.parse import SplitResult, urlsplit

from services import secrets
from services.errors import InvalidInputError
from services.messages import Message

Row = Mapping[str, Any]
MOST = 5
SECONDS, FEWEST_SECONDS, MOST_SECONDS = 60, 1, 600
NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
# Where a workspace of Databricks has servers of its own; they take the sign-in of the agent.
MANAGED = "/api/2.0/mcp/"
# Only these reach an agent that is served; so nobody can have the console's own keys sent to a server.
VARIABLE = re.compile(rf"{secrets.OF_AGENTS}[A-Z0-9_]{{1,80}}")
USUAL_HEADER = "Authorization"
CHANGING, ALWAYS, NEVER = "changing", "always", "never"
ASKS = (CHANGING, ALWAYS, NEVER)


def row(
    name: str,
    url: str,
    variable: str = "",
    header: str = "",
    asks: str = "",
    only: str = "",
    seconds: str | int = "",
    *,
    host: str = "",
) -> dict[str, Any]:
    """A server as the form's fields tell it; what is left out is as usual. `host`: the address of the workspace, if any."""
    return {
        "name": name.strip(),
        "url": url.strip(),
        "variable": variable.strip(),
        "header": (header.strip() or USUAL_HEADER) if variable.strip() else "",
        "asks": asks or CHANGING,
        "only": [one for one in re.split(r"[,、\s]+", only) if one],
        "seconds": (int(seconds) if str(seconds).isdecimal() else seconds) or SECONDS,
        "signs_in": _is_own(url.strip(), host) and not variable.strip(),
    }


def check(rows: Sequence[Row]) -> None:
    """Raise InvalidInputError for the first thing that cannot be a server, or that would give a key away."""
    if not rows:
        return
    if find_spec("mcp") is None:
        raise InvalidInputError(
            Message("The package mcp, which talks with MCP servers, is not installed here."),
            Message("Have the console's extra “mcp” installed, then start the console again."),
        )
    if len(rows) > MOST:
        raise InvalidInputError(
            Message("There are {n} MCP servers; {limit} are allowed.", n=len(rows), limit=MOST),
            Message("Models choose badly among many tools: keep those that the questions need."),
        )
    for one in rows:
        _check_row(one)
    names = [one["name"] for one in rows]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidInputError(
            Message("Two MCP servers have the name “{name}”.", name=twice[0]), Message("Give each a name of its own.")
        )


def told(server: Row) -> str:
    """A server in one line, for comparing."""
    sign_in = f", {server['header']}: ${server['variable']}" if server.get("variable") else ""
    return f"{server['url']}{sign_in}, {server.get('seconds', SECONDS)} s"


def requirements(rows: Sequence[Row]) -> list[str]:
    """The packages that an agent with these servers needs beside the usual ones."""
    needed = ["mcp"] if rows else []
    needed += ["databricks-sdk"] if any(one["signs_in"] for one in rows) else []
    return [f"{name}=={version(name)}" for name in needed]


def _check_row(one: Row) -> None:
    if not NAME.fullmatch(one["name"]):
        raise InvalidInputError(
            Message("“{name}” cannot be the name of an MCP server.", name=one["name"][:100]),
            Message(
                "Use up to 24 small letters, digits and underscores, such as crm: the model sees it before each tool."
            ),
        )
    _check_address(one)
    if one["variable"] and not VARIABLE.fullmatch(one["variable"]):
        raise InvalidInputError(
            Message(
                "{name}: what stands in the field for the environment variable is no name of one.", name=one["name"]
            ),
            Message(
                "Write a name that begins with {prefix}, such as {example}, never the key itself: only such variables "
                "reach an agent.",
                prefix=secrets.OF_AGENTS,
                example=f"{secrets.OF_AGENTS}{one['name'].upper()}_TOKEN",
            ),
        )
    if one["header"] and not HEADER.fullmatch(one["header"]):
        raise InvalidInputError(
            Message(
                "{name}: “{header}” cannot be a header.", name=one["name"], header=secrets.masked(one["header"])[:64]
            ),
            Message("Leave it empty for {usual}, or write one like X-Api-Key.", usual=USUAL_HEADER),
        )
    if not (isinstance(one["seconds"], int) and FEWEST_SECONDS <= one["seconds"] <= MOST_SECONDS):
        raise InvalidInputError(
            Message("{name}: a call cannot last {n} seconds.", name=one["name"], n=one["seconds"]),
            Message("Choose between {fewest} and {most} seconds.", fewest=FEWEST_SECONDS, most=MOST_SECONDS),
        )


def _check_address(one: Row) -> None:
    if "?" in one["url"] or "#" in one["url"]:
        raise InvalidInputError(
            Message("{name}: the address goes on behind a ? or a #, where keys often stand.", name=one["name"]),
            Message("Write it only up to there, and send a key in a header, by an environment variable."),
        )
    address = _parts(one["url"])
    if address is None or address.scheme not in ("http", "https") or not address.hostname:
        raise InvalidInputError(
            Message("{name}: “{url}” is no address.", name=one["name"], url=secrets.masked(one["url"])[:200]),
            Message("Write it whole, like https://tools.example.com/mcp."),
        )
    if address.username or address.password or secrets.masked(one["url"]) != one["url"]:
        raise InvalidInputError(
            Message("{name}: a password or key stands in the address.", name=one["name"]),
            Message("Take it out and send it in a header, by an environment variable. Make the written one invalid."),
        )
    if one["variable"] and address.scheme == "http" and not _on_this_machine(address.hostname):
        raise InvalidInputError(
            Message("{name}: the key would go through the network for everyone to read.", name=one["name"]),
            Message("Use the server's https address."),
        )


def _is_own(url: str, host: str) -> bool:
    """Whether it is a server of the workspace itself: nobody else may be sent the agent's sign-in."""
    own = f"{host}{MANAGED}".lower()
    return own.startswith("https://") and url.lower().startswith(own)


def _parts(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
