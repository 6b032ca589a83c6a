"""Servers to measure beside each other, each on a folder and a port of its own, stopped at the end."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import free_port
from tests.e2e.conftest import Server

ROOT = Path(__file__).parent.parent
EMPTY = """
import streamlit as st
def count():
    st.session_state.n = st.session_state.get("n", 0) + 1
st.button("Again", on_click=count)
st.markdown(f"round {st.session_state.get('n', 0)}.")
"""


@contextmanager
def empty_page(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Streamlit with a button and a line: what any screen of it costs at least. Gives its address and process."""
    script, port = folder / "empty.py", free_port()
    script.write_text(EMPTY)
    options = [f"--server.port={port}", "--server.headless=true", "--browser.gatherUsageStats=false"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address=127.0.0.1", *options]
    with running(command, folder, os.environ) as process:
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def console(home: Path, **environ: str) -> Iterator[Server]:
    server = Server(home, **environ)
    try:
        server.start()
        wait_for(f"{server.url}/api/ready")
        yield server
    finally:
        server.stop()


@contextmanager
def running(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str, seconds: float = 120) -> None:
    """Until it answers 200; raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError(url)


def clean() -> dict[str, str]:
    """The environment without anything that is ours or MLflow's."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_", "OPENAI_"))
    }
