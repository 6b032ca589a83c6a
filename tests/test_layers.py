"""Who may import whom, and who may move what production serves."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVICES = sorted((ROOT / "services").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
POINTER_CALLS = {
    "set_prompt_alias",
    "delete_prompt_alias",
    "set_registered_model_alias",
    "delete_registered_model_alias",
    "shift",
    "deploy",
    "retire",
    "copy_questions",
    "dismantle",
}
# The second one carries out what the first one decides; the SDK has the same word for it.
POINTER_OWNERS = {"services/production.py", "services/platforms/databricks/apps/changing.py"}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def offenders(files: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imported(file)
        if name.partition(".")[0] in forbidden
    ]


def test_services_know_no_screen():
    assert offenders(SERVICES, {"streamlit", "plotly", "pages", "tests"}) == []


def test_pages_know_no_sdk():
    assert offenders(PAGES, {"mlflow", "databricks", "openai", "sqlalchemy", "tests"}) == []


def test_the_logged_agent_imports_nothing_of_ours():
    logged = sorted((ROOT / "services" / "logged").glob("*.py"))
    assert offenders(logged, {"services", "pages", "streamlit"}) == []


def test_the_gateway_stays_light():
    gateway = sorted((ROOT / "services" / "processes" / "gateway").glob("*.py"))
    assert offenders(gateway, {"mlflow", "pandas", "streamlit"}) == []


def test_a_screen_loads_the_sdk_of_a_workspace_only_where_one_is_connected():
    """It takes a second, which everybody would wait for at the first look."""
    names = [
        name
        for file in PAGES
        if file.parent.name != "components" and file.parent.parent.name == "pages"
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module == "pages.components"
        for name in (f"{node.module}.{one.name}" for one in node.names)
    ]
    assert "pages.components.served_environment" in names
    code = "import importlib, sys\nfor one in sys.argv[1:]: importlib.import_module(one)\nprint('databricks.sdk' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code, *sorted(set(names))], capture_output=True, text=True, cwd=ROOT)
    assert loaded.stdout.strip() == "False", loaded.stderr[-2000:]


def test_databricks_agents_is_imported_nowhere_at_the_top():
    top = [
        f"{file}"
        for file in SERVICES
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "databricks.agents" in ast.unparse(node)
    ]
    assert top == []


def test_only_one_file_moves_what_production_serves():
    callers = {
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in [*SERVICES, *PAGES]
        if str(file.relative_to(ROOT)) not in POINTER_OWNERS
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in POINTER_CALLS
        and ast.unparse(node.func.value) not in ("production",)
    }
    assert callers == set()


def test_page_scripts_lie_in_sections():
    """Streamlit would run a script directly in `pages` without the shell, and so without its checks."""
    assert [path.name for path in (ROOT / "pages").glob("*.py")] == ["_shell.py"]


@pytest.mark.parametrize("file", [*SERVICES, *PAGES, ROOT / "app.py"], ids=lambda file: str(file.relative_to(ROOT)))
def test_no_handler_catches_everything(file):
    caught = [node.type for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ExceptHandler)]
    assert all(one is not None and ast.unparse(one) not in ("Exception", "BaseException") for one in caught)


def imported_at_start(file: Path) -> Iterator[str]:
    """Top packages that a module needs to be imported at all: not those asked for inside a function or a `try`."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).partition(".")[0]


def test_the_console_starts_with_what_the_lock_installs() -> None:
    """The tests run beside the packages for development, which would hide a dependency that nobody declared."""
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    owners = packages_distributions()
    ours = {"services", "pages", "app"} | sys.stdlib_module_names
    missing = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in [ROOT / "app.py", *PAGES, *SERVICES]
        if file.parent.name != "logged"  # what is logged brings its own requirements
        for name in set(imported_at_start(file)) - ours
        if not {re.sub(r"[-_.]+", "-", one).lower() for one in owners.get(name, [])} & locked
    }
    assert not missing, sorted(missing)
