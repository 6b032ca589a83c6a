"""A scorer that failed: what that means and what to do in the reader's language; what it said itself stands folded."""

import streamlit as st

from pages.components import own_words, session

_ = session.text


def show(words: str) -> None:
    """`words` are the provider's or the code's own, in whatever language they are."""
    st.markdown(_("The scorer failed with an error, so that it gave no verdict of this answer."))
    st.caption(
        _("Try it on the Scorers screen. When it works, evaluate these answers again under “Answers that exist”.")
    )
    folded(words)


def folded(words: str) -> None:
    """Only the scorer's own words, where what to do is told beside."""
    own_words.folded(_("What the scorer said itself"), words)
