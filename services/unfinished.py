"""Whether the limit of tokens ended an answer in the middle, in the words of each provider."""

from typing import Any

REASONS = ("finish_reason", "stop_reason", "done_reason")
CUT = ("length", "max_tokens", "max_output_tokens")
# Where providers and frameworks keep it; elsewhere the same words may be anybody's.
WITHIN = ("choices", "generations", "generation_info", "messages", "message", "response_metadata", "response", "output")
DEEPEST = 8


def was_cut(told: Any, depth: int = 0) -> bool:
    """Of an answer or of what a model gave back: chat completions, Responses, Anthropic's messages, LangChain's generations."""
    if depth > DEEPEST:
        return False
    if isinstance(told, list):
        return any(was_cut(one, depth + 1) for one in told)
    if not isinstance(told, dict):
        return False
    details = told.get("incomplete_details")
    reasons = [*(told.get(name) for name in REASONS), details.get("reason") if isinstance(details, dict) else None]
    cut = any(isinstance(one, str) and one.lower() in CUT for one in reasons)
    return cut or any(was_cut(told.get(name), depth + 1) for name in WITHIN)
