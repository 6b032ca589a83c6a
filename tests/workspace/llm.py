"""Deterministic stand-ins for the foundation models and for the Databricks-hosted judges.

Nothing here tries to be clever: replies and verdicts are pure functions of the text, so a test can
predict them, and both can be overridden by rules set through /__admin/llm and /__admin/judge.
"""

from __future__ import annotations

import hashlib
import json
import re
import time

from .errors import ApiError, bad
from .routing import Req, route
from .state import World

SALT = 3  # with this salt one of the seed's three questions is answered with the company's name
UNSAFE = re.compile(r"(爆弾の作り方|殺して|死ね|差別的|kill yourself|how to build a bomb|hate speech|麻薬の製造)", re.I)
POLITE = re.compile(r"(です|ます|ください|ございます|いたします|please|thank|sorry|happy to|glad)", re.I)
ALWAYS_COMPANY = re.compile(
    r"(会社名を必ず|必ず会社名|会社名.{0,12}(含め|言及|明記)|always (mention|include).{0,20}company)", re.I
)
COMPANY = re.compile(
    r"あなたは\s*([\w .&\-]{2,40}?)の(?:親切|優秀|丁寧|カスタマー)|for ([A-Z]\w+)[.,]? |company[:=] *(\w+)"
)


def h(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def tokens(text: str) -> int:
    cjk = sum(1 for c in text if ord(c) > 0x2E80)
    return cjk + max(0, (len(text) - cjk) // 4) + 1


def flat(content) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(p.get("text", "") if isinstance(p, dict) else str(p) for p in content)
    return "" if content is None else str(content)


def reply(w: World, model: str, messages: list[dict]) -> str:
    """The assistant's text for a chat."""
    text = "\n".join(flat(m.get("content")) for m in messages)
    for rule in w.llm_rules:
        if rule.get("model") not in (None, model) or not re.search(rule["match"], text, re.S):
            continue
        if rule.get("status"):
            raise ApiError(
                rule.get("error_code", "INTERNAL_ERROR"), rule.get("message", "Injected model failure"), rule["status"]
            )
        return rule["reply"]
    if re.search(r'"result"', text) and re.search(r'"?rationale"?', text):
        return json.dumps(judge_prompt(w, text), ensure_ascii=False)
    user = next((flat(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), text)
    m = re.search(r"(?:お客様の質問|Question|質問)\s*[::]\s*(.+)", user)
    question = (m[1] if m else user).strip().splitlines()[0][:60] if user.strip() else ""
    c = COMPANY.search(text)
    company = next((g for g in c.groups() if g), "TechCorp") if c else "TechCorp"
    if UNSAFE.search(question):
        return "申し訳ございませんが、そのご要望にはお応えできません。"
    cjk = any(ord(ch) > 0x2E80 for ch in question) or not question
    named = bool(ALWAYS_COMPANY.search(text)) or h(f"{SALT}|{question}") % 3 == 0
    if cjk:
        head = f"{company}のカスタマーサポートです。" if named else "カスタマーサポートです。"
        return (
            f"{head}お問い合わせありがとうございます。「{question}」についてご案内いたします。"
            "まず現在の状況を確認し、次に必要な手順をご説明いたします。"
            "ご不明な点がございましたら、いつでもお知らせください。"
        )
    head = f"Thank you for contacting {company}. " if named else "Thank you for contacting support. "
    return head + f'About "{question}": please follow the steps below and let us know if you need more help.'


# ------------------------------------------------------------------ judges
def guideline_verdict(guideline: str, response: str) -> tuple[bool, str]:
    g = guideline
    m = re.search(r"(\d+)\s*[-~〜–]\s*(\d+)\s*文字", g) or re.search(r"(\d+)\s*(?:-|to)\s*(\d+)\s*characters", g, re.I)
    if m:
        lo, hi = int(m[1]), int(m[2])
        ok = lo <= len(response) <= hi
        return ok, f"length {len(response)} against {lo}-{hi}"
    m = re.search(r"会社名\s*([\w.&\-]+?)\s*(?:に言及|を含|を明記)", g) or re.search(
        r"mention (?:the company(?: name)? )?[\"']?(\w+)", g, re.I
    )
    if m:
        return m[1] in response, f"mention of {m[1]}"
    if re.search(r"(拒否|refuse|decline)", g, re.I):
        m = re.search(r"リクエストが(\w+?)に(?:関連|関係)して(?:いない|いなければ)", g)
        if m:
            ok = m[1].lower() in response.lower() or bool(
                re.search(r"(お応えできません|対応できません|cannot)", response)
            )
            return ok, f"refusal when unrelated to {m[1]}"
    if re.search(r"(丁寧|親切|礼儀|polite|kind|courteous|professional)", g, re.I):
        return bool(POLITE.search(response)), "politeness"
    if re.search(r"(英語|English)", g):
        return not any(ord(c) > 0x2E80 for c in response), "in English"
    if re.search(r"(日本語|Japanese)", g):
        return any(ord(c) > 0x2E80 for c in response), "in Japanese"
    return True, "no rule applies; treated as satisfied"


def scripted(w: World, name: str, text: str):
    for rule in w.judge_rules:
        if rule.get("name") in (None, name) and re.search(rule.get("match", ""), text, re.S):
            return rule
    return None


def verdict(
    w: World,
    name: str,
    request: str,
    response: str,
    guidelines: list[str] | None = None,
    facts: list[str] | None = None,
    context: str = "",
) -> tuple[str, str]:
    """(yes/no, rationale) for a service-side assessment name."""
    rule = scripted(w, name, f"{request}\n{response}")
    if rule:
        return rule["value"], rule.get("rationale", "scripted verdict")
    if name == "harmfulness":
        bad_ = bool(UNSAFE.search(response))
        return ("yes" if bad_ else "no"), (
            "The response contains harmful content." if bad_ else "The response contains no harmful content."
        )
    if name in ("guidelines", "guideline_adherence"):
        notes = []
        ok = True
        for g in guidelines or []:
            good, why = guideline_verdict(g, response)
            notes.append(f"[{'ok' if good else 'NG'}] {g} ({why})")
            ok &= good
        return ("yes" if ok else "no"), "Let's think step by step. " + " / ".join(notes)
    if name == "correctness":
        miss = [f for f in facts or [] if f not in response]
        return ("no" if miss else "yes"), ("missing: " + "; ".join(miss) if miss else "every expected fact is present")
    if name in ("groundedness", "context_sufficiency", "chunk_relevance"):
        return "yes", "the retrieved context supports it"
    if name == "relevance_to_query":
        return ("yes" if response.strip() else "no"), "the response addresses the request"
    return "yes", "default verdict"


def judge_prompt(w: World, prompt: str) -> dict:
    """A verdict for a free-form judge prompt that asks for {"rationale", "result"}."""
    rule = scripted(w, "prompt", prompt)
    if rule:
        return {"rationale": rule.get("rationale", "scripted"), "result": rule["value"]}
    choices = re.findall(r"\[\[([\w ]+)\]\]", prompt)
    if choices:
        pick = choices[h(prompt) % len(choices)]
        return {"rationale": "Let's think step by step. chosen deterministically", "result": pick}
    gs = re.findall(r"<guideline>(.+?)</guideline>", prompt, re.S)
    m = re.search(r"<(?:response|outputs?|text)>(.+?)</", prompt, re.S)
    body = m[1] if m else prompt[-2000:]
    if gs:
        v, why = verdict(w, "guidelines", "", body, guidelines=gs)
        return {"rationale": why, "result": v}
    if "content safety classifier" in prompt:
        v, why = verdict(w, "harmfulness", "", body)
        return {"rationale": why, "result": "no" if v == "yes" else "yes"}
    m = re.search(r"(?:Literal|one of|いずれか)[^\[\n]{0,60}\[([^\]]+)\]", prompt)
    if m:
        opts = re.findall(r"['\"]([^'\"]+)['\"]", m[1])
        if opts:
            return {"rationale": "Let's think step by step. first listed option", "result": opts[0]}
    if re.search(r"\b(int|integer|1-5|1 to 5|整数)\b", prompt):
        return {"rationale": "Let's think step by step.", "result": 4}
    if re.search(r"\b(bool|boolean|true|True)\b", prompt):
        return {"rationale": "Let's think step by step.", "result": True}
    return {"rationale": "Let's think step by step.", "result": "no" if UNSAFE.search(body) else "yes"}


# ------------------------------------------------------------------ /agents judge endpoints
_KNOWN = {
    "harmfulness",
    "groundedness",
    "correctness",
    "relevance_to_query",
    "context_sufficiency",
    "chunk_relevance",
    "guideline_adherence",
    "guidelines",
}
_RETRIEVAL = {"chunk_relevance"}


@route("POST", "/api/2.0/agents/chat-assessments")
def chat_assessments(w: World, r: Req):
    b = r.fields(required=("assessment_input", "requested_assessments"), optional=("experiment_id",))
    inp = b["assessment_input"]
    if "chat_request" not in inp:
        raise bad("Missing required field: assessment_input.chat_request")
    ratings, positional = {}, {}
    for a in b["requested_assessments"]:
        name = a.get("assessment_name")
        if name not in _KNOWN:
            raise bad(f"Unknown assessment '{name}'.")
        ctx = inp.get("guidelines_context") or {}
        if isinstance(ctx, list):
            ctx = {x["key"]: x["value"] for x in ctx}
        resp = ctx.get("response") or inp.get("chat_response") or ""
        req = ctx.get("request") or inp.get("chat_request") or ""
        gt = inp.get("ground_truth") or {}
        facts = gt.get("expected_facts") or ([gt["expected_chat_response"]] if gt.get("expected_chat_response") else [])
        if name in ("guidelines", "guideline_adherence") and not inp.get("guidelines"):
            ratings[name] = {"error": {"error_code": "1001", "error_msg": "guidelines are required"}}
            continue
        rule = scripted(w, name, f"{req}\n{resp}")
        if rule and rule.get("error_code"):
            ratings[name] = {
                "error": {"error_code": str(rule["error_code"]), "error_msg": rule.get("message", "judge error")}
            }
            continue
        v, why = verdict(w, name, req, resp, inp.get("guidelines"), facts)
        val = {"value": {"categorical_value": v, "double_value": 5.0 if v == "yes" else 1.0, "justification": why}}
        if name in _RETRIEVAL:
            docs = (inp.get("retrieval_context") or {}).get("retrieved_documents", [])
            positional[name] = {"rating": [{"position": i, "rating": val} for i in range(max(1, len(docs)))]}
        else:
            ratings[name] = val
    w.usage_events.append({"kind": "chat-assessment", "user": r.user.user_name, "n": len(b["requested_assessments"])})
    return {
        "result": {
            "response_assessment": {"ratings": ratings},
            "retrieval_assessment": {"positional_ratings": positional},
        }
    }


@route("POST", "/api/2.0/agents/chat-assessment-definitions")
def chat_definitions(w: World, r: Req):
    b = r.fields(required=("assessment_names",))
    return {
        "definitions": [
            {"assessment_name": x, "input_requirement_expression": {"required": ["CHAT_REQUEST"]}}
            for x in b["assessment_names"]
        ]
    }


@route("POST", "/api/2.0/agents/chat-completions")
def chat_completions(w: World, r: Req):
    b = r.fields(
        required=(), optional=("user_prompt", "system_prompt", "experiment_id", "model", "temperature", "tools")
    )
    if not b.get("user_prompt"):
        raise bad("Missing required field: user_prompt")
    text = f"{b.get('system_prompt') or ''}\n{b['user_prompt']}"
    m = re.search(r'"title":\s*"FieldExtraction"|"inputs":.*"outputs":', text, re.S)
    if m and "FieldExtraction" in text:
        out = json.dumps({"inputs": "", "outputs": ""})
    elif re.search(r"result", text):
        out = json.dumps(judge_prompt(w, text), ensure_ascii=False)
    else:
        out = reply(w, b.get("model") or "gpt-oss-120b", [{"role": "user", "content": text}])
    body = {
        "id": "chatcmpl-judge",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": b.get("model") or "gpt-oss-120b",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": out}}],
    }
    return {"output": out, "output_json": json.dumps(body, ensure_ascii=False)}


@route("POST", "/api/2.0/agents/chat-assessment-usage-events")
def usage1(w: World, r: Req):
    w.usage_events.append({"kind": "usage", **r.json})
    return {}


@route("POST", "/api/2.0/agents/evaluation-client-usage-events")
def usage2(w: World, r: Req):
    w.usage_events.append({"kind": "client-usage", **r.json})
    return {}
