"""What nobody types and somebody sends: texts, JSON and files that break careless readers."""

import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, configuration, settings
from hypothesis import strategies as st

configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")
# The same examples in every run: what fails here fails for everybody.
settings.register_profile(
    "hostile",
    derandomize=True,
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("hostile")

DEEP = '{"a":[' * 5_000 + "1" + "]}" * 5_000
ODD = (
    "", "\0", "\ufeff", "\u202egnp.exe", "\u2028", "\x85", "a\r\nb\rc\n\n", "\x1b[2J", "é" * 300, "{" * 60, "{{a}}", "{% x %}",
    "=1+1", "'=1+1", "@SUM(A1)", "-2+3", "\t=x", "<script>alert(1)</script>", "![x](http://127.0.0.1/)", "[a](javascript:b)",
    "null", "NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 5_000, '"\\ud800"', '{"a":"\\udc00"}', DEEP, "[" * 100_000,
    "true", "2248-01-01", "9999-12-31T23:59:60Z", "0000-00-00", "../../etc/passwd", "a\\b", "C:\\x", "𠮷" * 20, "🏴‍☠️", "ﷺ", "x" * 200_000,
)  # fmt: skip
# Text that a socket, a file or a database can bring; JSON alone may also bring halves of characters.
texts = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
halved = st.one_of(texts, st.text(st.sampled_from('a\ud83d\ude00{}[]"\\'), max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), halved, st.floats(), st.integers(), st.sampled_from([10**30, -(10**30), 10**400, 1e308])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(halved, inner, max_size=4), max_leaves=12
)


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these names, each with any value."""
    return st.dictionaries(st.sampled_from(names) | texts, values, max_size=len(names))


def mangled(good: bytes) -> st.SearchStrategy[bytes]:
    """A good file with some bytes changed, cut out or put in."""

    def changed(places: list[tuple[int, int, bytes]]) -> bytes:
        made = good
        for at, length, put in places:
            made = made[: at % len(good)] + put + made[at % len(good) + length :]
        return made

    place = st.tuples(st.integers(0, len(good)), st.integers(0, 8), st.binary(max_size=8))
    return st.lists(place, min_size=1, max_size=4).map(changed)


def zipped(files: Mapping[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()
