"""A folder that somebody brings: an entry file that names the agent, and what it imports, from a zip or several files."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from services.errors import InvalidInputError
from services.messages import Message

LARGEST = 1_000_000
LARGEST_ZIP = 5_000_000
MOST = 200
LONGEST_NAME = 255
# MLflow lays the files beside the entry into this folder of the logged agent, and finds modules there.
CODE = "code"
# What the file that names the agent is called in the logged agent, whatever its own name is.
ENTRY = "agent.py"
LEFT_OUT = ("__pycache__", "__MACOSX")
# Of these, no more is unpacked than was asked for.
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the standard library raises for a zip that is damaged, locked or packed in another way.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, IndexError, ValueError, OverflowError, OSError,
)  # fmt: skip


def read(chosen: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Texts by path of the files that were chosen, and of those in a zip; raises InvalidInputError."""
    found: dict[str, bytes] = {}
    for name, content in chosen:
        left = LARGEST - sum(map(len, found.values()))
        found |= _unpacked(content, left) if name.lower().endswith(".zip") else {name: content}
    if len(found) > MOST:
        raise InvalidInputError(
            Message("The folder has {n} files; {limit} are allowed.", n=len(found), limit=MOST),
            Message("Leave out what the agent does not import."),
        )
    if sum(map(len, found.values())) > LARGEST:
        raise _too_large()
    for name in found:
        _check_length(name)
    return {name: _text(name, content) for name, content in _without_top(found).items()}


def entries(files: Mapping[str, str]) -> list[str]:
    """The files that can name the agent, the likeliest first: Python at the top of the folder that calls set_model."""
    top = sorted(name for name in files if name.endswith(".py") and "/" not in name)
    naming = [name for name in top if "set_model(" in files[name]]
    return sorted(naming or top, key=lambda name: (name != ENTRY, name))


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
    """Raise InvalidInputError for a name that would leave the folder, or that a folder cannot have."""
    places = {PurePosixPath(name) for name in files}
    for name in files:
        _check_length(name)
        place = PurePosixPath(name)
        if not place.parts or ".." in place.parts or place.is_absolute() or "\\" in name or "\0" in name:
            raise _misnamed(name)
        for folder in places.intersection(place.parents):
            raise _misnamed(str(folder))


def _check_length(name: str) -> None:
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise _misnamed(name)


def _misnamed(name: str) -> InvalidInputError:
    return InvalidInputError(
        Message("“{name}” cannot be a file's name.", name=name[:100]), Message("Rename it, and bring it again.")
    )


def _too_large() -> InvalidInputError:
    return InvalidInputError(
        Message("The agent's files are too large together."), Message("Keep data out of the folder.")
    )


def _unpacked(content: bytes, left: int) -> dict[str, bytes]:
    """The files of a zip, when they have `left` bytes at most: not more is unpacked, whatever the zip says of itself."""
    if len(content) > LARGEST_ZIP:
        raise _too_large()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            wanted = [one for one in opened.infolist() if not one.is_dir() and not _left_out(one.filename)]
            if sum(one.file_size for one in wanted) > left:
                raise _too_large()
            return {one.filename: _content(opened, one) for one in wanted[: MOST + 1]}
    except DAMAGED as error:
        raise InvalidInputError(
            Message("The zip file cannot be opened."), Message("Pack the folder again, without a password.")
        ) from error


def _content(opened: zipfile.ZipFile, file: zipfile.ZipInfo) -> bytes:
    # From Python 3.13 on, what follows a zero in a name is dropped without a word.
    if file.compress_type not in PACKINGS or "\0" in file.orig_filename:
        raise zipfile.BadZipFile(file.filename)
    with opened.open(file) as packed:
        return packed.read(file.file_size + 1)


def _left_out(name: str) -> bool:
    """What tools leave in a folder: caches, and hidden files such as .git and .env."""
    return any(part in LEFT_OUT or part.startswith(".") for part in PurePosixPath(name).parts if part != "..")


def _without_top(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A zip of a folder has the folder's own name before everything."""
    found = dict(files)
    while len({name.partition("/")[0] for name in found}) == 1 and all("/" in name for name in found):
        found = {name.partition("/")[2]: content for name, content in found.items()}
    return found


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("{name} is not UTF-8 text.", name=name[:100]),
            Message("Save it as UTF-8, or leave it out: only code and texts are logged with an agent."),
        ) from error
