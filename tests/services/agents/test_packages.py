"""Packages that an agent's file imports and that would not be installed where it is served."""

from importlib.metadata import version

import pytest

from services.agents import checking
from services.agents.checking import Finding, Report
from tests.services.agents import agent_files as files

USUAL = ("mlflow==1", "openai==1")
NOT_LISTED = "streamlit is not among the packages that are logged with the agent."


def blocking(source, requirements=USUAL, beside=None):
    found = checking.read(source + files.TEXTS, requirements=requirements, files=beside or {})
    assert {str(one.what) for one in found} <= {NOT_LISTED}
    return [one.blocking for one in found]


def test_what_is_installed_here_and_not_listed_blocks_with_the_line_that_mends_it():
    (found,) = checking.read("import streamlit.web\n" + files.TEXTS, requirements=USUAL)
    line = f"streamlit=={version('streamlit')}"
    assert (str(found.what), found.blocking, found.package) == (NOT_LISTED, True, line)
    assert str(found.mend) == f"Add the line {line} to its packages, or do without it."
    assert Finding.from_json(found.to_json()) == found
    assert checking.read("import streamlit\n" + files.TEXTS, requirements=(*USUAL, line)) == ()


def test_what_is_not_installed_here_has_no_line_to_add():
    (found,) = checking.read("import left_pad_of_nobody\n" + files.TEXTS, requirements=USUAL)
    assert (found.blocking, found.package) == (True, "")
    stored = found.to_json()
    del stored["package"]
    assert Finding.from_json(stored) == found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def late():\n    import streamlit\n", [True]),
        ("import os\nif os.name == 'nt':\n    import streamlit\n", [False]),
        ("import os\nif os.name == 'nt':\n    import streamlit\nimport streamlit.web\n", [True]),
        ("try:\n    import json\nexcept OSError:\n    import streamlit\n", [False]),
        ("if __name__ == '__main__':\n    import streamlit\n", []),
        ("try:\n    import streamlit\nexcept ImportError:\n    streamlit = None\n", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import streamlit\n", []),
    ],
)
def test_only_an_import_that_surely_runs_blocks(source, expected):
    assert blocking(source) == expected


def test_only_files_that_the_agent_imports_block():
    beside = {
        "words/__init__.py": "",
        "words/polite.py": "from words import deep\n",
        "words/deep.py": "import streamlit\n",
        "test_words.py": "import streamlit\nimport words\n",
    }
    assert blocking("from words.polite import say\n", beside=beside) == [True, False]
    found = checking.read("from words.polite import say\n" + files.TEXTS, requirements=USUAL, files=beside)
    assert [one.file for one in found] == ["words/deep.py", "test_words.py"]


def test_what_an_extra_of_a_listed_package_brings_is_there():
    source = "import langchain_openai\n" + files.TEXTS
    assert len(checking.read(source, requirements=(*USUAL, "langchain==1"))) == 1
    assert checking.read(source, requirements=(*USUAL, "langchain[openai]==1")) == ()


def test_a_report_keeps_the_lines_to_add():
    found = checking.read("import streamlit\n" + files.TEXTS, requirements=USUAL)
    kept = Report.from_json(Report("PythonModel", False, found).to_json())
    assert [one.package for one in kept.findings] == [f"streamlit=={version('streamlit')}"]
