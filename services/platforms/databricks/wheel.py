"""The console's services as a wheel, for work that runs on the workspace: made from the files that run here."""

import base64
import functools
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE, ENTRY = "signalbox", "evaluate"
# Which code it is says the hash in the wheel's folder: installers take no other names.
VERSION = "1.0.0"
FOLDER = Path(__file__).parent.parent.parent
META = f"{PACKAGE}-{VERSION}.dist-info"
TOLD = {
    "METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: signalbox\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "entry_points.txt": f"[console_scripts]\n{ENTRY} = services.evaluations.remote:main\n",
}


@dataclass(frozen=True)
class Wheel:
    """`sha256` names the content: the same code is the same file."""

    content: bytes
    sha256: str

    @property
    def path(self) -> str:
        """Below the folder of whoever keeps it."""
        return f".signalbox/{self.sha256[:16]}/{PACKAGE}-{VERSION}-py3-none-any.whl"


@functools.cache
def build() -> Wheel:
    """The code as it is on the disk, byte for byte the same each time; made once per process."""
    files = {
        f"{FOLDER.name}/{file.relative_to(FOLDER).as_posix()}": file.read_bytes()
        for file in sorted(FOLDER.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    files |= {f"{META}/{name}": text.encode() for name, text in TOLD.items()}
    record = "".join(f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{META}/RECORD"] = f"{record}{META}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            # Without a time of its own, so that the same code has the same hash.
            wheel.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    content = packed.getvalue()
    return Wheel(content, hashlib.sha256(content).hexdigest())


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
