"""A folder that somebody brings: an entry file that names the agent, and what it imports, from a zip or several files."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from services.errors import InvalidInputError
from services.messages import Message

LARGEST = 1_000_000
LARGEST_ZIP = 5_000_000
MOST = 200
# MLflow lays the files beside the entry into this folder of the logged agent, and finds modules there.
CODE = "code"
LEFT_OUT = ("__pycache__", "__MACOSX")


def read(chosen: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Texts by path of the files that were chosen, and of those in a zip; raises InvalidInputError."""
    found: dict[str, bytes] = {}
    for name, content in chosen:
        found |= _unpacked(content) if name.lower().endswith(".zip") else {name: content}
    if len(found) > MOST:
        raise InvalidInputError(
            Message("The folder has {n} files; {limit} are allowed.", n=len(found), limit=MOST),
            Message("Leave out what the agent does not import."),
        )
    if sum(map(len, found.values())) > LARGEST:
        raise InvalidInputError(
            Message("The agent's files are too large together."), Message("Keep data out of the folder.")
        )
    return {name: _text(name, content) for name, content in _without_top(found).items()}


def entries(files: Mapping[str, str]) -> list[str]:
    """The files that can name the agent, the likeliest first: Python at the top of the folder that calls set_model."""
    top = sorted(name for name in files if name.endswith(".py") and "/" not in name)
    naming = [name for name in top if "set_model(" in files[name]]
    return sorted(naming or top, key=lambda name: (name != "agent.py", name))


def write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Lay the files beside the entry into `folder`; returns what MLflow takes as `code_paths`."""
    for name, text in files.items():
        place = folder / CODE / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return [str(one) for one in sorted((folder / CODE).iterdir())] if files else []


def modules(files: Mapping[str, str]) -> set[str]:
    """What the entry can import of them."""
    return {PurePosixPath(name).parts[0].removesuffix(".py") for name in files}


def check(files: Mapping[str, str]) -> None:
    """Raise InvalidInputError for a name that would leave the folder."""
    for name in files:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or "\0" in name:
            raise InvalidInputError(
                Message("“{name}” cannot be a file's name.", name=name[:100]), Message("Rename it, and bring it again.")
            )


def _unpacked(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            wanted = [one for one in opened.infolist() if not one.is_dir() and not _left_out(one.filename)]
            if len(content) > LARGEST_ZIP or sum(one.file_size for one in wanted) > LARGEST_ZIP:
                raise InvalidInputError(
                    Message("The agent's files are too large together."), Message("Keep data out of the folder.")
                )
            return {one.filename: opened.read(one) for one in wanted[: MOST + 1]}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidInputError(
            Message("The zip file cannot be opened."), Message("Pack the folder again, without a password.")
        ) from error


def _left_out(name: str) -> bool:
    """What tools leave in a folder: caches, and hidden files such as .git and .env."""
    return any(part in LEFT_OUT or part.startswith(".") for part in PurePosixPath(name).parts if part != "..")


def _without_top(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A zip of a folder has the folder's own name before everything."""
    tops = {name.partition("/")[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        return _without_top({name.partition("/")[2]: content for name, content in files.items()})
    return dict(files)


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("{name} is not UTF-8 text.", name=name[:100]),
            Message("Save it as UTF-8, or leave it out: only code and texts are logged with an agent."),
        ) from error
