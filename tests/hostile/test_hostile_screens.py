"""Outside text on the screen is text: no markup, no link, no picture, and found again where it stands."""

from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from pages.components import diff, session
from services.errors import InvalidInputError
from services.prompts import Content
from services.prompts.comparison import compare
from services.prompts.difference import difference
from services.prompts.library import words
from services.prompts.library.words import Line
from services.prompts.segments import segments
from tests.hostile.shapes import texts

ACTIVE = set("\\`*_{}[]()#+-.!|>~$:<&@/")
TAGS = {"style", "div", "table", "thead", "tbody", "tr", "th", "td", "del", "ins", "br", "span"}


class _Page(HTMLParser):
    """The tags and attributes of a page, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@given(texts)
@example("[x](javascript:alert(1)) ![p](http://127.0.0.1/) <img src=x onerror=alert(1)> :material/home: $\\frac{1}{2}$")
@example("www.example.com a@example.com https://example.com &lt;b&gt; \\")
def test_escaped_text_holds_no_active_sign(text):
    escaped = session.escape(text)
    plain, at = "", 0
    while at < len(escaped):
        if escaped[at] == "\\":
            assert escaped[at + 1] in ACTIVE
            at += 1
        else:
            assert escaped[at] not in ACTIVE
        plain += escaped[at]
        at += 1
    assert plain == text


@given(texts, texts, texts, st.booleans())
@example("<b>", "</td><script>alert(1)</script>", '" onmouseover="alert(1)', True)
def test_a_comparison_is_a_table_of_words(old, new, label, beside):
    found = compare(Content(old, labels={"title": label}), Content(new, labels={"title": old}))
    page = _Page()
    page.feed(diff.markup(found, (label, new), (old, label), beside=beside, changes_only=False))
    assert page.tags <= TAGS
    assert page.attributes <= {"class", "role", "tabindex", "aria-label", "scope", "colspan", "dir", "style"}


@given(texts, texts)
def test_a_difference_gives_both_texts_back(old, new):
    pieces = difference(old, new).pieces
    assert "".join(one.text for one in pieces if one.kind != "added") == old
    assert "".join(one.text for one in pieces if one.kind != "removed") == new
    assert "".join(segments(new)) == new


@given(texts, texts)
@example("ﷺ ﬁ ẞ", "fi")
@example("x" * 200 + "İ", "i")
def test_an_excerpt_stands_in_the_text(text, query):
    lines, asked = [Line(1, text)], words.asked(query)
    found = words.excerpt(lines, [words.fold(text)], asked)
    if found is None:
        return
    said = "".join(part for part, _ in found.parts)
    assert said.removeprefix("…").removesuffix("…") in text or said in text
    assert any(sought for _, sought in found.parts)


@given(texts)
def test_a_refusal_can_be_shown_in_both_languages(text):
    from services import prompts
    from services.messages import render

    try:
        prompts.check(text)
    except InvalidInputError as error:
        for language in ("en", "ja"):
            assert len(render(error.message, language)) < 1_000
            assert error.remedy is None or render(error.remedy, language)
