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

// Streamlit keeps the place to which a page is scrolled when its content changes: what was opened from the middle of a
// list would be read from its own middle. A thing is read from its top; who comes back finds the list where it was left.
const THINGS = ["trace", "session", "run", "row", "dataset", "scorer", "prompt", "agent", "release", "queue", "rule"]
const STEPS = ["add", "new", "import", "page"]
const opened = ({ pathname, searchParams }) => [pathname, ...[...THINGS, ...STEPS].map((name) => searchParams.get(name))]
const depth = (place) => place.filter(Boolean).length
const left = new Map()
let wanted = null
// Until the script has drawn what is as long as it was: it begins a moment after the address has changed.
const hold = (since) => {
  const main = document.querySelector("[data-testid=stMain]")
  if (wanted === null || !main) return
  main.scrollTo(0, wanted)
  const drawn = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "running"
  const there = Math.abs(main.scrollTop - wanted) < 2
  const waited = performance.now() - since
  if (!wanted || (drawn && there && waited > 500) || waited > 3000) wanted = null
  else requestAnimationFrame(() => hold(since))
}
for (const moved of ["wheel", "pointerdown", "keydown"]) window.addEventListener(moved, () => (wanted = null), true)
window.navigation?.addEventListener("currententrychange", ({ from, navigationType }) => {
  const to = window.navigation.currentEntry
  const [before, now] = [from, to].map((entry) => opened(new URL(entry.url)))
  if (String(before) === String(now)) return
  left.set(from.url, document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0)
  const back = navigationType === "traverse" || (before[0] === now[0] && depth(now) < depth(before))
  wanted = (back && left.get(to.url)) || 0
  hold(performance.now())
})

export default ({ data }) => {
  const page = document.documentElement
  page.lang = data.language
  for (const [name, words] of Object.entries(data.words)) page.style.setProperty(`--say-${name}`, JSON.stringify(words))
}
