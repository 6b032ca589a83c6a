// The editor of a prompt: text areas over a copy of their text that carries the marks. Python owns the draft; what is
// typed is sent to it after a pause, and Python's text replaces what stands here only when it says so by a new epoch.
const VARIABLE = /(\{\{\s*[A-Za-z_][A-Za-z0-9_]*\s*\}\})/
const PAUSE = 600
const RETRY = 10000
// Laying out one line of this many characters takes longer than a key may: its marks wait until the hands rest.
const LONG_LINE = 4000
const REST = 100
const EDITORS = new WeakMap()

// What was sent and not confirmed yet survives a reload of this tab. A browser may refuse to store anything.
const unconfirmed = {
  put(key, sent) { try { sessionStorage.setItem(key, JSON.stringify(sent)) } catch { /* it was sent, at least */ } },
  take(key) {
    try {
      const left = JSON.parse(sessionStorage.getItem(key))
      sessionStorage.removeItem(key)
      return left
    } catch { return null }
  },
}
let numbers = 0

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole))
const counted = (number) => number.toLocaleString("en-US")

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value)
    else if (value !== false) made.setAttribute(key, value === true ? "" : value)
  }
  made.append(...children)
  return made
}

const isVariable = (part) => part.startsWith("{{") && part.endsWith("}}")
const nameOf = (part) => part.slice(2, -2).trim()

// How much of two lists (or texts) is the same at the beginning and at the end.
function ends(old, now) {
  const most = Math.min(old.length, now.length)
  let head = 0
  let tail = 0
  while (head < most && old[head] === now[head]) head++
  while (tail < most - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++
  return [head, tail]
}

// A line cut at its variables. What is between them and looks like one by chance is cut once more.
function parts(line) {
  return line.split(VARIABLE).flatMap((part, n) => (n % 2 || !isVariable(part) ? part : [part.slice(0, 1), part.slice(1)])).filter(Boolean)
}

function facts(line) {
  let other = 0
  let pairs = 0
  for (let n = 0; n < line.length; n++) {
    const code = line.charCodeAt(n)
    if (code > 127 && (code < 0xdc00 || code > 0xdfff)) other++
    if (code >= 0xdc00 && code <= 0xdfff) pairs++
  }
  return { other, length: line.length - pairs }
}

// One text area. The copy below it carries the marks of the variables: painted line by line, and only where it changed.
class Area {
  constructor(editor, text, role) {
    Object.assign(this, { editor, role, lines: [], drawn: [], frame: 0, resting: 0 })
    this.id = `text-${++numbers}`
    this.paper = element("div", { class: "paper", "aria-hidden": "true" })
    this.input = element("textarea", {
      id: this.id, dir: "auto", rows: "1", spellcheck: "false", autocomplete: "off", readonly: editor.data.disabled,
      placeholder: role ? "" : editor.texts.placeholder, "aria-describedby": "counts",
      oninput: () => this.typed(),
      oncompositionstart: () => { editor.composing = true },
      oncompositionend: () => editor.composed(),
      onfocus: () => { editor.last = this },
      onblur: () => editor.flush(),
    })
    this.box = element("div", { class: "box" }, element("div", { class: "sheet" }, this.paper, this.input))
    this.text = text
  }

  get text() { return this.input.value }

  set text(text) {
    if (text !== this.input.value) this.input.value = text
    this.paint()
  }

  get long() { return this.lines.some((line) => line.length > LONG_LINE) }

  typed() {
    const paint = () => { this.paint(); this.editor.count() }
    clearTimeout(this.resting)
    if (this.long) this.resting = setTimeout(paint, REST)
    else this.frame ||= requestAnimationFrame(paint)
    this.editor.touched()
  }

  // Both ends that stayed the same keep their nodes: a key costs what one line costs, and in a long line one part of it.
  paint(all = false) {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.resting)
    this.frame = 0
    const lines = this.input.value.split("\n")
    const [head, tail] = all ? [0, 0] : ends(this.lines, lines)
    const end = this.drawn.length - tail
    const made = lines.slice(head, lines.length - tail).map((line) => ({ parts: parts(line), ...facts(line) }))
    if (!all && made.length === 1 && end - head === 1) this.retouch(this.drawn[head], made[0])
    else {
      for (const gone of this.drawn.slice(head, end)) gone.node.remove()
      const added = document.createDocumentFragment()
      for (const one of made) {
        one.node = element("div", { class: "line" }, ...one.parts.map((part) => this.node(part)))
        added.append(one.node)
      }
      this.paper.insertBefore(added, this.drawn[end]?.node ?? null)
    }
    this.drawn = this.drawn.slice(0, head).concat(made, this.drawn.slice(end))
    this.lines = lines
  }

  retouch(old, made) {
    made.node = old.node
    const [head, tail] = ends(old.parts, made.parts)
    const nodes = [...old.node.childNodes].slice(head, old.parts.length - tail)
    const added = made.parts.slice(head, made.parts.length - tail)
    if (nodes.length === 1 && added.length === 1 && nodes[0].nodeType === Node.TEXT_NODE && !isVariable(added[0])) {
      const [start, rest] = ends(nodes[0].data, added[0])
      nodes[0].replaceData(start, nodes[0].length - start - rest, added[0].slice(start, added[0].length - rest))
      return
    }
    const next = old.node.childNodes[old.parts.length - tail] ?? null
    for (const gone of nodes) gone.remove()
    for (const part of added) old.node.insertBefore(this.node(part), next)
  }

  node(part) {
    if (!isVariable(part)) return document.createTextNode(part)
    return element("mark", { class: this.editor.known.has(nameOf(part)) ? "known" : "unknown" }, part)
  }
}

class Editor {
  constructor(root) {
    Object.assign(this, { root, areas: [], dirty: false, composing: false, held: null, waiting: "", everSent: false, gone: null })
    this.body = element("div", { class: "editor", onkeydown: (event) => this.keys(event) })
    root.append(this.body)
    this.leave = () => this.flush()
    window.addEventListener("pagehide", this.leave)
    document.addEventListener("visibilitychange", this.leave)
  }

  get chat() { return this.areas.length > 0 && this.areas[0].role !== "" }

  get template() {
    const said = (area) => area.text.toWellFormed?.() ?? area.text
    return this.chat ? this.areas.map((area) => ({ role: area.role, content: said(area) })) : said(this.areas[0])
  }

  // What Python says: the texts of the page, the variables, and now and then another text.
  receive(data, send, trigger) {
    Object.assign(this, { send, trigger })
    if (this.composing) return void (this.held = [data, send, trigger])
    const before = this.data
    Object.assign(this, { data, texts: data.texts, known: new Set(data.known) })
    if (this.waiting && data.seen === this.waiting) this.settled()
    if (!before) return this.begin(data)
    const redraw = JSON.stringify([before.texts, before.disabled]) !== JSON.stringify([data.texts, data.disabled])
    if (data.epoch !== this.epoch) this.replace(data, redraw)
    else if (redraw) this.show(this.template)
    if (String(before.known) !== String(data.known)) for (const area of this.areas) area.paint(true)
    if (data.epoch === this.epoch) this.revision = data.revision
    this.tell()
  }

  begin(data) {
    Object.assign(this, { epoch: data.epoch, session: data.session, revision: data.revision })
    const left = unconfirmed.take(data.store)
    const lost = left && left.id !== data.seen && JSON.stringify(left.template) !== JSON.stringify(data.value)
    if (lost) Object.assign(this, { epoch: left.epoch, revision: left.revision })
    this.show(lost ? left.template : data.value)
    if (lost) this.deliver()
  }

  // Words that Python has not seen yet, or a server that was restarted: it is asked to compare before anything goes.
  replace(data, redraw) {
    if (this.waiting && data.session === this.session) return
    if (this.dirty || (data.session !== this.session && this.everSent)) {
      this.session = data.session
      this.dirty = true
      return this.flush()
    }
    Object.assign(this, { epoch: data.epoch, session: data.session, revision: data.revision, gone: null })
    this.show(data.value, redraw)
    if (this.everSent) this.deliver()
  }

  show(value, redraw = true) {
    const messages = typeof value === "string" ? [{ role: "", content: value }] : value
    const same = messages.length === this.areas.length && messages.every((one, n) => one.role === this.areas[n].role)
    if (same && !redraw && this.areas.length) messages.forEach((one, n) => { this.areas[n].text = one.content })
    else {
      this.areas = messages.map((one) => new Area(this, one.content, one.role))
      this.arrange()
    }
    this.count()
    this.tell()
  }

  arrange() {
    const shown = this.root.activeElement?.dataset?.key
    this.list = element("div", { class: "list" }, ...this.areas.map((area, n) => this.card(area, n)))
    this.counts = element("span", { id: "counts" })
    this.kept = element("span", { class: "kept" })
    this.warning = element("div", { class: "warning", hidden: true })
    this.status = element("div", { class: "status", role: "status" })
    const parts = [this.kinds(), this.list, this.chat ? this.adding() : "", this.gone ? this.putBack() : ""]
    const foot = element("div", { class: "foot" }, this.counts, this.kept)
    this.body.replaceChildren(...parts, foot, this.warning, this.chips(), this.status)
    if (shown) this.body.querySelector(`[data-key="${shown}"]`)?.focus()
    this.count()
    this.tell()
  }

  kinds() {
    const option = (chat, text) => element("label", {}, element("input", {
      type: "radio", name: "kind", "data-key": `kind-${chat}`, disabled: this.data.disabled,
      ...(this.chat === chat ? { checked: true } : {}), onchange: () => this.turn(chat),
    }), text)
    return element("fieldset", { class: "kinds" }, element("legend", {}, this.texts.kind),
      option(false, this.texts.one_text), option(true, this.texts.chat))
  }

  card(area, n) {
    if (!area.role) return element("div", { class: "card" }, element("label", { for: area.id }, this.texts.label), area.box)
    const { texts } = this
    const roles = Object.entries(texts.roles).map(([role, name]) =>
      element("option", { value: role, ...(role === area.role ? { selected: true } : {}) }, name))
    if (!(area.role in texts.roles)) roles.push(element("option", { value: area.role, selected: true }, area.role))
    const role = element("select", {
      "aria-label": fill(texts.role, { n: n + 1 }), disabled: this.data.disabled,
      onchange: () => { area.role = role.value; this.touched() },
    }, ...roles)
    const button = (key, sign, label, off, act) => element("button", {
      type: "button", class: "sign", "data-key": `${key}-${area.id}`, "aria-label": fill(label, { n: n + 1 }),
      title: fill(label, { n: n + 1 }), disabled: off || this.data.disabled, onclick: act,
    }, sign)
    const last = this.areas.length - 1
    const head = element("div", { class: "head" }, element("label", { for: area.id }, fill(texts.message, { n: n + 1 })), role,
      element("span", { class: "space" }),
      button("up", "↑", texts.up, n === 0, () => this.move(n, n - 1)),
      button("down", "↓", texts.down, n === last, () => this.move(n, n + 1)),
      button("out", "✕", texts.remove, last === 0, () => this.remove(n)))
    return element("div", { class: "card" }, head, area.box)
  }

  adding() {
    return element("button", { type: "button", class: "wide", disabled: this.data.disabled, onclick: () => {
      const before = this.areas.at(-1).role
      this.areas.push(new Area(this, "", before === "user" ? "assistant" : "user"))
      this.changed()
      this.areas.at(-1).input.focus()
    } }, `+ ${this.texts.add}`)
  }

  putBack() {
    return element("div", { class: "gone" }, fill(this.texts.removed, { n: this.gone.at + 1 }),
      element("button", { type: "button", class: "link", onclick: () => {
        this.areas.splice(this.gone.at, 0, this.gone.area)
        this.gone = null
        this.changed()
      } }, this.texts.put_back))
  }

  chips() {
    if (!this.data.known.length || this.data.disabled) return ""
    const chip = (name) => element("button", {
      type: "button", class: "chip", onmousedown: (event) => event.preventDefault(), onclick: () => this.insert(`{{${name}}}`),
    }, `{{${name}}}`)
    return element("div", { class: "chips" }, element("span", {}, this.texts.insert), ...this.data.known.slice(0, 30).map(chip))
  }

  insert(text) {
    const area = this.areas.includes(this.last) ? this.last : this.areas[0]
    area.input.focus()
    if (!document.execCommand("insertText", false, text)) {
      area.input.setRangeText(text, area.input.selectionStart, area.input.selectionEnd, "end")
      area.typed()
    }
  }

  move(from, to) {
    this.areas.splice(to, 0, ...this.areas.splice(from, 1))
    this.changed()
  }

  remove(n) {
    const [area] = this.areas.splice(n, 1)
    this.gone = area.text.trim() ? { area, at: n } : null
    this.changed()
    const next = this.gone ? this.body.querySelector(".gone button") : this.areas[Math.max(0, n - 1)].input
    next.focus()
  }

  // Turning a text into messages and back gives the same messages again, as long as the text was not touched.
  turn(chat) {
    const joined = this.areas.map((area) => area.text).join("\n\n")
    if (chat) this.areas = this.before?.joined === joined ? this.before.areas : [new Area(this, joined, "system")]
    else {
      this.before = { joined, areas: this.areas }
      this.areas = [new Area(this, joined, "")]
    }
    this.gone = null
    this.changed()
  }

  changed() {
    this.arrange()
    this.touched()
  }

  count() {
    const lines = this.areas.flatMap((area) => area.drawn)
    let length = lines.length - this.areas.length
    let other = 0
    for (const one of lines) {
      length += one.length
      other += one.other
    }
    const tokens = other + Math.ceil((length - other) / 4)
    const over = length > this.data.limit
    this.counts.classList.toggle("over", over)
    this.counts.textContent = fill(over ? this.texts.too_long : this.texts.counts,
      { n: counted(length), tokens: counted(tokens), limit: counted(this.data.limit) })
    const unknown = [...new Set(lines.flatMap((one) => one.parts.filter(isVariable).map(nameOf)))].filter((name) => !this.known.has(name)).sort()
    if (String(unknown) === String(this.unknown) && this.warning.textContent) return
    this.unknown = unknown
    this.warning.hidden = !unknown.length
    const names = unknown.slice(0, 30).map((name) => `{{${name.length > 40 ? `${name.slice(0, 40)}…` : name}}}`).join(", ")
    this.warning.textContent = unknown.length ? `${fill(this.texts.unknown, { names })} ${this.texts.mend}` : ""
  }

  // For screen readers, after a pause: not at every key.
  tell() {
    const kept = this.late ? this.texts.not_kept : this.dirty || this.waiting ? this.texts.typing : this.data.kept
    this.kept.textContent = kept
    this.kept.classList.toggle("over", Boolean(this.late))
    const said = [this.warning.textContent, this.late ? kept : "", this.gone ? fill(this.texts.removed, { n: this.gone.at + 1 }) : ""]
    const text = said.filter(Boolean).join(" ")
    if (this.status.textContent !== text) this.status.textContent = text
  }

  touched() {
    const first = !this.dirty
    this.dirty = true
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), PAUSE)
    if (first) requestAnimationFrame(() => this.tell())
  }

  composed() {
    this.composing = false
    this.touched()
    if (this.held) this.receive(...this.held)
    this.held = null
  }

  flush() {
    clearTimeout(this.timer)
    if (this.dirty && !this.composing && !this.data.disabled) this.deliver()
  }

  deliver() {
    this.dirty = false
    this.everSent = true
    this.waiting = Math.random().toString(36).slice(2)
    const sent = { id: this.waiting, epoch: this.epoch, revision: this.revision, template: this.template }
    unconfirmed.put(this.data.store, sent)
    this.send("value", sent)
    clearTimeout(this.retry)
    this.retry = setTimeout(() => { this.late = true; this.deliver(); this.tell() }, RETRY)
    this.tell()
  }

  settled() {
    clearTimeout(this.retry)
    unconfirmed.take(this.data.store)
    Object.assign(this, { waiting: "", late: false })
  }

  keys(event) {
    const save = event.key === "Enter" || event.key.toLowerCase() === "s"
    if (!save || !(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || this.data.disabled) return
    event.preventDefault()
    this.flush()
    this.trigger("save", true)
  }

  close() {
    window.removeEventListener("pagehide", this.leave)
    document.removeEventListener("visibilitychange", this.leave)
    clearTimeout(this.retry)
    this.flush()
    clearTimeout(this.retry)
  }
}

export default ({ parentElement, data, setStateValue, setTriggerValue }) => {
  if (!EDITORS.has(parentElement)) EDITORS.set(parentElement, new Editor(parentElement))
  const editor = EDITORS.get(parentElement)
  editor.receive(data, setStateValue, setTriggerValue)
  // Streamlit also calls this for a superseded update; only a removed element ends the editor.
  return () => setTimeout(() => {
    if (parentElement.isConnected || EDITORS.get(parentElement) !== editor) return
    EDITORS.delete(parentElement)
    editor.close()
  })
}
