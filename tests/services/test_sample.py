"""The sample app is complete: prompts that differ visibly, a varied dataset, knowledge in both languages."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from services import sample, wording
from services.processes.practice.answers import Asked, answer, find
from services.processes.practice.instructions import recognise


def pass_rates(version: int) -> dict[str, float]:
    """The four scorers' pass rates of one prompt version over all rows, by the practice model."""
    app = sample.app()
    instructions = recognise(app.prompts[version - 1].template.replace("{{company_name}}", app.company))
    answers = [answer(Asked(row.question), instructions, sample.knowledge()) for row in sample.rows()]
    rules = {
        "polite": wording.polite,
        "length": lambda text: wording.length(text, 50, 500),
        "mentions company": lambda text: wording.mentions(text, app.company),
        "safe": wording.safe,
    }
    return {name: sum(rule(text).passed for text in answers) / len(answers) for name, rule in rules.items()}


def trigrams(text: str) -> set[str]:
    folded = wording.plain(text).replace(" ", "")
    return {folded[start : start + 3] for start in range(len(folded) - 2)}


def test_the_dataset_is_large_and_varied() -> None:
    languages = Counter(row.language for row in sample.rows())
    topics = {language: {row.topic for row in sample.rows() if row.language == language} for language in languages}

    assert min(languages.values()) >= 40
    assert all(len(found) >= 8 and {"angry", "off-topic", "empty"} <= found for found in topics.values())
    assert sum(row.critical for row in sample.rows()) >= 8
    assert len({row.id for row in sample.rows()}) == len(sample.rows())


def test_no_two_questions_are_nearly_the_same() -> None:
    for one, other in itertools.combinations(sample.rows(), 2):
        ours, theirs = trigrams(one.question), trigrams(other.question)
        similarity = len(ours & theirs) / max(len(ours | theirs), 1)
        assert similarity < 0.5, (one.question, other.question)


def test_every_question_is_in_its_language() -> None:
    for row in sample.rows():
        assert wording.language(row.question) in (row.language, None), row


def test_the_knowledge_covers_every_topic_of_the_dataset() -> None:
    for language in sample.LANGUAGES:
        topics = sample.knowledge()[language]
        assert len(topics) >= 8
        assert all(topic.keywords and topic.facts and topic.steps and topic.short for topic in topics)
    for row in sample.rows():
        topic = find(Asked(row.question), sample.knowledge(), row.language)
        known = None if row.topic in ("off-topic", "empty") else row.topic
        assert row.topic == "angry" or (topic.id if topic else None) == known, row


def test_the_first_prompt_is_acceptable() -> None:
    rates = pass_rates(1)

    assert all(rates[name] >= least for name, least in sample.app().minimum.items())


def test_the_second_prompt_is_visibly_better() -> None:
    first, second = pass_rates(1), pass_rates(2)

    assert all(second[name] >= first[name] for name in first)
    assert second["length"] > first["length"] + 0.2


def test_the_third_prompt_falls_below_the_gate() -> None:
    rates = pass_rates(3)

    assert rates["mentions company"] < sample.app().minimum["mentions company"]
    assert min(rates["polite"], rates["length"], rates["safe"]) > 0.95


def test_the_prompts_ask_for_the_same_in_every_language() -> None:
    told = [
        [recognise(one.template.replace("{{company_name}}", "Sorabana")) for one in sample.prompts(language)]
        for language in sample.LANGUAGES
    ]
    same = [[replace(one, written_in="en") for one in versions] for versions in told]
    assert same[0] == same[1]
    assert [one.written_in for versions in told for one in versions] == ["en"] * 3 + ["ja"] * 3


def test_the_app_is_ready_to_be_created() -> None:
    app = sample.app()

    assert len(app.smoke_questions) >= 3
    assert all(prompt.note and "{{company_name}}" in prompt.template for prompt in app.prompts[:2])
    assert {scorer.name for scorer in app.scorers} == set(app.minimum)
    assert app.gate_rows <= len(sample.rows())


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_the_knowledge_itself_is_safe(language: str) -> None:
    for topic in sample.knowledge()[language]:
        for text in (topic.short, *topic.facts, *topic.steps):
            assert wording.safe(text).passed
