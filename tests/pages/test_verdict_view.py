"""A verdict on the screen: the word, each scorer with its picture and counts, every number in words."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import texts


def page(shift: float, language: str) -> None:
    import numpy as np
    import pandas as pd
    import streamlit as st

    from pages.components import verdict_view
    from services import verdicts

    def rows(passed: int, mean: float) -> pd.DataFrame:
        numbers = mean + np.linspace(-1, 1, 40) ** 3
        good = pd.Series([number < passed for number in range(40)], dtype=object)
        return pd.DataFrame({"row_id": range(40), "state": "OK", "critical": False, "good": good, "useful": numbers})

    st.session_state["language"] = language
    candidate, baseline = rows(round(20 + 20 * shift), 3.0), rows(20, 3.0)
    verdict_view.show(verdicts.compare(candidate, baseline, ["good", "useful"]))


@pytest.mark.parametrize(
    ("shift", "language", "words"),
    [
        (0.5, "en", ("**Better**", "▲ 10 better · ▼ 0 worse · 30 the same", "Enough questions", "+25.0 points")),
        (-0.5, "en", ("**Worse**", "▼ 10 worse", "−25.0 points")),
        (0.1, "en", ("**Cannot tell yet**", "About 170 more questions", "most likely between")),
        (0.5, "ja", ("**良くなった**", "改善 10 件", "+25.0 ポイント")),
    ],
)
def test_the_word_the_counts_and_every_number_are_read(shift, language, words):
    shown = AppTest.from_function(page, args=(shift, language), default_timeout=60).run()

    assert not shown.exception
    told = texts(shown).replace("\\", "")
    for word in words:
        assert word in told
    assert len(shown.get("plotly_chart")) == 2
