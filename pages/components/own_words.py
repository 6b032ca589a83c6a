"""What a scorer, an agent or a provider said itself: in whatever language it is, so it stands folded under ours."""

import streamlit as st


def folded(label: str, words: str) -> None:
    with st.expander(label, icon=":material/terminal:"):
        st.code(words, language=None, wrap_lines=True)
