// Before paper is laid out: a chart is drawn for the width of its screen and would be cut off; with a view box it shrinks.
const shrink = () => {
  for (const drawing of document.querySelectorAll("[data-testid=stPlotlyChart] .main-svg:not([viewBox])")) {
    drawing.setAttribute("viewBox", `0 0 ${drawing.getAttribute("width")} ${drawing.getAttribute("height")}`)
    drawing.setAttribute("preserveAspectRatio", "xMinYMin")
  }
}
const restore = () => {
  for (const drawing of document.querySelectorAll("[data-testid=stPlotlyChart] .main-svg")) drawing.removeAttribute("viewBox")
}
window.addEventListener("beforeprint", shrink)
window.addEventListener("afterprint", restore)

export default ({ data }) => {
  const page = document.documentElement
  page.lang = data.language
  for (const [name, words] of Object.entries(data.words)) page.style.setProperty(`--say-${name}`, JSON.stringify(words))
}
