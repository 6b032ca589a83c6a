"""A screen has one name everywhere: page, service, tests, README."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCREENS = sorted((ROOT / "pages").glob("[a-z]*/[a-z]*.py"))
SCREENS = [file for file in SCREENS if file.parent.name != "components"]


@pytest.mark.parametrize("page", SCREENS, ids=lambda page: page.stem)
def test_every_screen_has_its_service_and_tests(page):
    service = ROOT / "services" / page.stem
    assert service.with_suffix(".py").exists() or (service / "__init__.py").exists()
    assert (ROOT / "tests" / "services" / f"test_{page.stem}.py").exists()
    assert (ROOT / "tests" / "pages" / f"test_{page.stem}_page.py").exists()


def test_the_readme_lists_every_screen():
    line = next(line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("Screens: "))
    assert {name.strip(" .") for name in line.removeprefix("Screens: ").split(",")} == {page.stem for page in SCREENS}


def test_the_side_bar_shows_every_screen():
    from pages.components.screens import SCREENS as LISTED

    assert {ROOT / "pages" / one.file for one in LISTED} == set(SCREENS)


def test_every_screen_says_what_its_noun_is():
    """By the sentence of its own name; the others begin with words of their own."""
    from pages.components.screens import ABOUT

    named = {page.stem for page in SCREENS if f'screens.show_title("{page.stem}")' in page.read_text("utf-8")}
    assert named == set(ABOUT)
    assert {page.stem for page in SCREENS} - named == {"home", "search", "playground", "scorers", "apps"}
