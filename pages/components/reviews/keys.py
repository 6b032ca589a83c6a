"""The keys of the review desk: a cheat sheet, and the two that Streamlit's buttons cannot have."""

import streamlit as st

from pages.components import session
from services.messages import mark

_ = session.text
SHEET = (
    ("P, F", mark("passes, does not pass")),
    ("1 – 9", mark("the category, the number or the reason with this number")),
    ("W", mark("write a comment; Esc or Ctrl+Enter ends it")),
    ("A", mark("write the right answer, or what else is typed")),
    ("S", mark("skip with a reason")),
    ("U", mark("take back what you did last")),
    ("← →", mark("the answer before, the next one")),
    ("Ctrl+Enter", mark("save, where more than one thing is asked")),
    ("X", mark("clear what you chose")),
    ("K", mark("show or hide these keys")),
    ("Esc", mark("back, to all queues")),
)
# Buttons press themselves by their shortcuts; a field is reached by a key, and left again, only from here.
_KEYS = st.components.v2.component(
    "review_keys",
    js="""
const fields = (name) =>
  ["textarea", "input"].map((tag) => `[class*="st-key-review-${name}"] ${tag}:not(:disabled)`).join(", ")
const ways = { w: fields("write"), a: fields("field") }
// Streamlit draws a button that changes its colour or key as a new one, and the focus would fall to the top of the page.
let focused = ""
export default () => {
  const typing = (target) => target && ["INPUT", "TEXTAREA"].includes(target.tagName)
  const pressed = (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey
    const way = plain && !typing(event.target) && ways[event.key.toLowerCase()]
    const field = way && document.querySelector(way)
    if (field) {
      event.preventDefault()
      field.focus()
      return
    }
    if (!typing(event.target) || !event.target.closest('[class*="st-key-review-"]')) return
    // Leaving the field keeps its text; the same Escape must not leave the desk too.
    if (event.key === "Escape") event.stopImmediatePropagation()
    if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) event.target.blur()
  }
  const entered = (event) => {
    const place = event.target.tagName === "BUTTON" && event.target.closest('[class*="st-key-"]')
    focused = place ? [...place.classList].find((name) => name.startsWith("st-key-")) : ""
  }
  const back = () => {
    const button = focused && document.querySelector(`.${CSS.escape(focused)} button:not(:disabled)`)
    if (button && document.activeElement === document.body) button.focus({ preventScroll: true })
  }
  window.addEventListener("keydown", pressed, true)
  window.addEventListener("focusin", entered)
  const timers = [50, 200, 500].map((wait) => setTimeout(back, wait))
  return () => {
    window.removeEventListener("keydown", pressed, true)
    window.removeEventListener("focusin", entered)
    timers.forEach(clearTimeout)
  }
}
""",
)


def listen() -> None:
    """Let W and A go into the fields, and Esc and Ctrl+Enter out of them; keep the focus where it was."""
    st.session_state["review/drawn"] = st.session_state.get("review/drawn", 0) + 1
    _KEYS(key="review-keys", data={"drawn": st.session_state["review/drawn"]})


def show_button() -> None:
    st.button(
        _("Keys"), key="review-sheet", icon=":material/keyboard:", shortcut="K", type="tertiary", on_click=_toggle
    )


def show_sheet() -> None:
    """What each key does, when it was asked for."""
    if not st.session_state.get("review/sheet"):
        return
    half = (len(SHEET) + 1) // 2
    with st.container(border=True, key="review-cheats"):
        for column, part in zip(st.columns(2), (SHEET[:half], SHEET[half:]), strict=True):
            rows = "".join(f"\n| `{key}` | {_(what)} |" for key, what in part)
            column.markdown(f"| {_('Key')} | {_('What it does')} |\n| --- | --- |{rows}")


def _toggle() -> None:
    st.session_state["review/sheet"] = not st.session_state.get("review/sheet")
