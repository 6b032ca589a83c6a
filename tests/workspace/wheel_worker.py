"""Child process of a submitted run: installs the wheels, lets in the declared packages alone, calls the entry point."""

from __future__ import annotations

import base64
import hashlib
import importlib.abc
import importlib.metadata
import json
import os
import re
import sys
import zipfile


class Undeclared(importlib.abc.MetaPathFinder):
    """What no declared package brings is not there: in this process everything else of the machine is installed."""

    def __init__(self, missing: set[str]):
        self.missing = missing

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in self.missing:
            raise ModuleNotFoundError(f"No module named '{fullname}'", name=fullname)
        return None


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def install(wheel: str, into: str) -> None:
    """Unpack it as an installer does: every file must be as its record says."""
    if not os.path.exists(wheel):
        raise SystemExit(f"Library installation failed: {os.path.basename(wheel)} does not exist.")
    with zipfile.ZipFile(wheel) as packed:
        record = next(name for name in packed.namelist() if name.endswith(".dist-info/RECORD"))
        listed = dict(line.rsplit(",", 1)[0].rsplit(",", 1) for line in packed.read(record).decode().splitlines())
        assert set(listed) == set(packed.namelist()), "the record lists other files"
        for name, digest in listed.items():
            if name != record:
                found = base64.urlsafe_b64encode(hashlib.sha256(packed.read(name)).digest()).rstrip(b"=").decode()
                assert digest == f"sha256={found}", name
        packed.extractall(into)
    sys.path.insert(0, into)


def brought(lines: list[str]) -> set[str]:
    """The declared packages with all that they need; each must be there in the version that is declared."""
    waiting, found = [], set()
    for line in lines:
        name, _, version = line.partition("==")
        waiting.append(plain(name.partition("[")[0]))
        try:
            installed = importlib.metadata.version(waiting[-1])
        except importlib.metadata.PackageNotFoundError:
            installed = "none"
        if not version or installed != version:
            raise SystemExit(f"Library installation failed: no matching distribution found for {line}.")
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        waiting += [plain(re.match(r"[A-Za-z0-9._-]+", need)[0]) for need in needs if "extra ==" not in need]
    return found


def main() -> None:
    folder = sys.argv[1]
    with open(os.path.join(folder, "told.json")) as f:
        told = json.load(f)
    known = brought(told["packages"])
    modules = importlib.metadata.packages_distributions()
    sys.meta_path.insert(0, Undeclared({one for one, by in modules.items() if not {plain(d) for d in by} & known}))
    for wheel in told["wheels"]:
        install(wheel, os.path.join(folder, "installed"))
    task = told["task"]
    points = importlib.metadata.distribution(task["package_name"]).entry_points
    sys.argv = [task["entry_point"], *task.get("parameters", [])]
    next(one for one in points if one.name == task["entry_point"]).load()()


if __name__ == "__main__":
    main()
