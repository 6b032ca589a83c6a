"""What the interlocks found about a release: what needs a look stands open, what is clear is folded away."""

import streamlit as st

from pages.components import screens, session
from services.interlocks import Finding, Light
from services.releases import Release

_, say = session.text, session.say

LIGHT = {
    Light.GREEN: ":green[:material/check_circle:]",
    Light.AMBER: ":orange[:material/warning:]",
    Light.RED: ":red[:material/block:]",
    Light.NOT_APPLICABLE: ":gray[:material/do_not_disturb_on:]",
}
FOLDED = 5
SEVERITY = (Light.RED, Light.AMBER, Light.NOT_APPLICABLE, Light.GREEN)


def show(release: Release) -> None:
    """Nothing before they were asked, and for a release that nobody judges."""
    if not release.findings:
        return
    _show_checked(release)
    _show_all(release.findings)


def _show_checked(release: Release) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_('Interlocks')}**", width="content")
        if release.checked_at:
            st.caption(_("checked {time}", time=session.moment(release.checked_at)), width="content")
    st.caption(
        _("An interlock is a check that holds a release: red holds it until it is mended, amber is worth knowing.")
    )


def _show_all(found: tuple[Finding, ...]) -> None:
    clear = [one for one in found if one.light is Light.GREEN]
    for finding in sorted(found, key=lambda one: SEVERITY.index(one.light)):
        if finding not in clear:
            _show_finding(finding)
    if clear:
        with st.expander(_("Clear: {n}", n=len(clear)), icon=":material/check_circle:", expanded=len(clear) < FOLDED):
            for finding in clear:
                _show_finding(finding)


def _badge(finding: Finding) -> str:
    """Grey alone could be taken for clear."""
    return f" :gray-badge[{_('not applicable')}]" if finding.light is Light.NOT_APPLICABLE else ""


def _show_finding(finding: Finding) -> None:
    with st.container(border=True):
        st.markdown(
            f"{LIGHT[finding.light]} **{finding.number}. {session.escape(say(finding.title))}**{_badge(finding)}  \n"
            f"{session.escape(say(finding.found))}"
        )
        st.caption(session.escape(say(finding.why)))
        if finding.mend and finding.light is not Light.GREEN:
            st.markdown(_("**Next step:** {what}", what=session.escape(say(finding.mend))))
            if finding.screen:
                place = screens.named(finding.screen)
                st.page_link(
                    session.page(finding.screen),
                    label=_("Open the evaluation")
                    if "run" in finding.asks
                    else _("Open {screen}", screen=_(place.title)),
                    icon=place.icon,
                    query_params=dict(finding.asks),
                )
