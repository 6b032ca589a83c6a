"""The console starts without anything that is optional."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = {
    "databricks-agents": "databricks.agents", "dspy": "dspy", "langchain": "langchain", "langchain-openai": "langchain_openai",
    "langgraph": "langgraph", "openai-agents": "agents", "mcp": "mcp", "gepa": "gepa", "litellm": "litellm", "psycopg": "psycopg", "authlib": "authlib",
}  # fmt: skip
START = '''
import importlib, sys
class Installed:
    """The finders that there are, which know nothing of what is blocked."""
    def __init__(self, finders):
        self.finders = finders
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in sys.argv[1:]):
            return None
        return next((found for one in self.finders if (found := one.find_spec(name, path, target))), None)
    def find_distributions(self, *asked):
        return (found for one in self.finders if hasattr(one, "find_distributions") for found in one.find_distributions(*asked))
sys.meta_path[:] = [Installed(sys.meta_path[:])]
for name in ("app", "services.oidc", "services.agents", "services.prompts.improve.optimizing", "services.scorers.aligning.running",
             "services.platforms.databricks", "services.processes.worker", "services.processes.gateway.server",
             "services.processes.version.server"):
    importlib.import_module(name)
print("started")
'''


def test_the_console_starts_without_the_extras(tmp_path):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = {re.split(r"[\[<>=]", one)[0] for listed in extras.values() for one in listed}
    assert named == set(MODULES), "name the module of every optional package"
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "SIGNALBOX_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    run = [sys.executable, "-c", START, *MODULES.values()]
    done = subprocess.run(run, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("started"), done.stderr[-2_000:]
