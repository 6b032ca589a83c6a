"""The keys of the review desk: a cheat sheet, and the two that Streamlit's buttons cannot have."""

import streamlit as st

from pages.components import session
from services.messages import mark

_ = session.text
SHEET = (
    ("P, F", mark("passes, does not pass")),
    ("1 – 9", mark("the category, the number or the reason with this number")),
    ("W", mark("write a comment; Esc or Ctrl+Enter ends it")),
    ("S", mark("skip with a reason")),
    ("U", mark("take back what you did last")),
    ("← →", mark("the answer before, the next one")),
    ("Ctrl+Enter", mark("save, where more than one thing is asked")),
    ("X", mark("clear what you chose")),
    ("K", mark("show or hide these keys")),
    ("Esc", mark("back, to all queues")),
)
# Buttons press themselves by their shortcuts; a field is reached by a key only from here, and left again.
_KEYS = st.components.v2.component(
    "review_keys",
    js="""
export default () => {
  const field = () => document.querySelector('[class*="st-key-review-write"] textarea, [class*="st-key-review-write"] input')
  const typing = (target) => target && ["INPUT", "TEXTAREA"].includes(target.tagName)
  const pressed = (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey
    if (plain && event.key.toLowerCase() === "w" && !typing(event.target) && field()) {
      event.preventDefault()
      field().focus()
    }
    const ends = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))
    if (ends && typing(event.target) && event.target.closest('[class*="st-key-review-write"]')) event.target.blur()
  }
  document.addEventListener("keydown", pressed)
  return () => document.removeEventListener("keydown", pressed)
}
""",
)


def listen() -> None:
    """Let W go into the comment, and Esc and Ctrl+Enter out of it."""
    _KEYS(key="review-keys", data=None)


def show_button() -> None:
    st.button(
        _("Keys"), key="review-sheet", icon=":material/keyboard:", shortcut="K", type="tertiary", on_click=_toggle
    )


def show_sheet() -> None:
    """What each key does, when it was asked for."""
    if not st.session_state.get("review/sheet"):
        return
    with st.container(border=True, key="review-cheats"):
        rows = "".join(f"\n| `{key}` | {_(what)} |" for key, what in SHEET)
        st.markdown(f"| {_('Key')} | {_('What it does')} |\n| --- | --- |{rows}")


def _toggle() -> None:
    st.session_state["review/sheet"] = not st.session_state.get("review/sheet")
