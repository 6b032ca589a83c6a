"""The evidence as one page that needs nothing else: no script, no address, in every language of the console."""

import html
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import pandas as pd

from services.audit import sentences
from services.messages import LANGUAGES, Message, render
from services.prompts import Piece
from services.releases.evidence import notes
from services.releases.evidence.facts import Facts, Judged
from services.verdicts import passes

MOST_ROWS = 500
LONGEST = 2_000
Say = Callable[[Message | str], str]
TAG = {"added": "ins", "removed": "del"}
STYLE = """
body{font:15px/1.55 system-ui,"Noto Sans CJK JP",sans-serif;max-width:60rem;margin:2rem auto;padding:0 1.2rem;color:#1b1f24}
@media screen and (prefers-color-scheme:dark){body{color:#e6e8ea;background:#12151a} th{background:#1e232b!important}}
h1{font-size:1.6rem} h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #8886;padding-bottom:.2rem}
table{border-collapse:collapse;width:100%;table-layout:fixed} th,td{border:1px solid #8886;padding:.3rem .5rem;
text-align:start;vertical-align:top;overflow-wrap:anywhere;white-space:pre-wrap} th{background:#f0f2f5}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8886;border-radius:6px;padding:.7rem;font-family:inherit}
ins{background:#2ea04340} del{background:#f8514940} nav{font-size:.9rem} nav a{margin-inline-end:1rem}
@media print{nav{display:none} body{margin:0;max-width:none}}
"""


def page(facts: Facts, files: Mapping[str, str]) -> str:
    """The whole page; `files` are the pack's files with their hashes."""
    whole = "".join(_language(facts, files, language) for language in LANGUAGES)
    links = "".join(f'<a href="#{code}">{html.escape(name)}</a>' for code, name in LANGUAGES.items())
    title = html.escape(render(notes.title(facts), "en"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style></head><body><nav>{links}</nav>{whole}</body></html>"
    )


def _language(facts: Facts, files: Mapping[str, str], language: str) -> str:
    def say(message: Message | str) -> str:
        return html.escape(render(message, language))

    told = "".join(
        f"<h2>{say(section.title)}</h2><ul>{''.join(f'<li>{say(line)}</li>' for line in section.lines)}</ul>"
        for section in notes.sections(facts)
    )
    parts = [told, _difference(facts, say), _rows(facts, say), _audit(facts, say, language), _files(files, say)]
    return f'<main lang="{language}" id="{language}"><h1>{say(notes.title(facts))}</h1>{"".join(parts)}</main>'


def _difference(facts: Facts, say: Say) -> str:
    if facts.difference is None or not facts.difference.text_changed:
        return ""
    blocks = [f"<pre>{_pieces(one.pieces)}</pre>" for one in facts.difference.messages if one.changed]
    return f"<h2>{say(Message('The prompt, word by word'))}</h2>{''.join(blocks)}"


def _pieces(pieces: Iterable[Piece]) -> str:
    return "".join(
        html.escape(one.text) if one.kind == "same" else f"<{TAG[one.kind]}>{html.escape(one.text)}</{TAG[one.kind]}>"
        for one in pieces
    )


def _rows(facts: Facts, say: Say) -> str:
    if facts.judged is None:
        return ""
    before = _answers(facts.baseline) if facts.baseline else {}
    names = list(facts.judged.evaluation.scores)
    passed = passes(facts.judged.rows, names)
    heads = [Message("Question"), Message("Answer before"), Message("Answer now"), Message("Result")]
    lines = [
        (row["question"], before.get(row["row_id"], "–"), row["answer"] or row["error"], _result(row, names, passed))
        for _, row in islice(facts.judged.rows.iterrows(), MOST_ROWS)
    ]
    head = f"<h2>{say(Message('Questions and answers'))}</h2>"
    left = len(facts.judged.rows) - len(lines)
    more = f"<p>{say(Message('{n} more rows are in the pack.', n=left))}</p>" if left > 0 else ""
    return head + _table([say(one) for one in heads], [[_cut(str(cell)) for cell in line] for line in lines]) + more


def _answers(judged: Judged) -> dict[str, str]:
    once = judged.rows.drop_duplicates("row_id")
    return {row["row_id"]: row["answer"] or row["error"] for _, row in once.iterrows()}


def _result(row: "pd.Series[object]", names: list[str], passed: "pd.Series[bool]") -> str:
    """In signs that need no translation: passed or not by every scorer, then each one."""
    each = [f"{name}: {_value(row.get(name))}" for name in names]
    return ("✓" if passed.get(row["row_id"]) else "✗") + "\n" + "\n".join(each)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return "–" if value is None or pd.isna(value) else str(value)


def _audit(facts: Facts, say: Say, language: str) -> str:
    heads = [Message("Time"), Message("What"), Message("Reason"), Message("Outcome"), Message("Hash")]
    lines = [
        [
            notes.moment(one.at),
            render(sentences.sentence(one), language),
            render(sentences.subject(one.why), language),
            one.outcome,
            one.hash[:16],
        ]
        for one in facts.events
    ]
    head = f"<h2>{say(Message('Who did what'))}</h2>"
    return head + _table([say(one) for one in heads], [[_cut(cell) for cell in line] for line in lines])


def _files(files: Mapping[str, str], say: Say) -> str:
    heads = [say(Message("File")), "SHA-256"]
    head = f"<h2>{say(Message('Files of the pack'))}</h2>"
    return head + _table(heads, [[html.escape(name), sha256] for name, sha256 in files.items()])


def _table(heads: list[str], lines: list[list[str]]) -> str:
    top = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _cut(text: str) -> str:
    return html.escape(text if len(text) <= LONGEST else text[:LONGEST] + " …")
