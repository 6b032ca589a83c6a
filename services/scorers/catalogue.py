"""Every scorer that can be chosen: our rules, MLflow's own scorers, own words and own code."""

import functools

from services.messages import mark
from services.scorers.entries import Entry, Field, Needs
from services.scorers.records import ScorerSpec

LANGUAGES = {"same": mark("the language of the question"), "ja": mark("Japanese"), "en": mark("English")}
UNITS = {"chars": mark("characters"), "words": mark("words")}
PII = {
    "email": mark("e-mail addresses"),
    "phone": mark("telephone numbers"),
    "ssn": mark("US social security numbers"),
    "credit_card": mark("credit card numbers"),
    "ip_address": mark("IP addresses"),
}
ANSWERS = {
    "yes_no": mark("yes or no"),
    "number": mark("a number on a scale"),
    "categories": mark("one of several categories"),
}
EXAMPLE = ({"name": "answer", "type": "string", "required": True},)
GUIDELINES = Field(
    "guidelines", "lines", mark("Guidelines, one per line"), (), mark("The answer must name a next step.")
)

RULES = (
    Entry(
        "length", "length", "rules", mark("Length"), mark("Passes answers between two numbers of characters."),
        fields=(
            Field("shortest", "number", mark("At least (characters)"), 50),
            Field("longest", "number", mark("At most (characters)"), 500),
        ),
    ),
    Entry(
        "ResponseLength", "builtin", "rules", mark("Length in words"),
        mark("MLflow's own check of the length, in words or characters. Japanese has no blanks: count characters there."),
        mlflow="ResponseLength",
        fields=(
            Field("min_length", "number", mark("At least"), 1),
            Field("max_length", "number", mark("At most"), 120),
            Field("unit", "choice", mark("Counted in"), "words", options=UNITS),
        ),
    ),
    Entry(
        "mentions", "mentions", "rules", mark("Mentions words"),
        mark("Passes answers that contain every phrase they must mention, and none that they must not."),
        fields=(
            Field("must", "lines", mark("Must mention, one phrase per line"), ("{{company_name}}",)),
            Field("must_not", "lines", mark("Must not mention, one phrase per line"), ()),
        ),
    ),
    Entry(
        "pattern", "pattern", "rules", mark("Fits a pattern"),
        mark("Passes answers that fit a regular expression, such as an order number. Its time is bounded."),
        mlflow="RegexMatch",
        fields=(
            Field("pattern", "text", mark("Pattern (regular expression)"), "", mark("For example: ORDER-[0-9]+")),
            Field("whole", "switch", mark("The whole answer must fit, not a part of it"), False),
            Field("ignore_case", "switch", mark("Capital and small letters are the same"), False),
            Field("forbidden", "switch", mark("Passes when the answer does not fit"), False),
        ),
    ),
    Entry(
        "language", "language", "rules", mark("Language"), mark("Passes answers in one language."),
        fields=(Field("language", "choice", mark("Language of the answer"), "same", options=LANGUAGES),),
    ),
    Entry(
        "json_schema", "json_schema", "rules", mark("JSON with set fields"),
        mark("Passes answers that are JSON with the fields you list. For agents that other programs read."),
        fields=(
            Field("fields", "table", mark("Fields of the JSON"), EXAMPLE),
            Field("schema", "code", mark("A JSON schema instead, for engineers"), ""),
        ),
    ),
    Entry(
        "polite", "polite", "rules", mark("Polite"),
        mark("Passes courteous answers: expressions such as “thank you” in English, です・ます in Japanese."),
    ),
)  # fmt: skip

SAFETY = (
    Entry(
        "word_list", "word_list", "safety", mark("Word list"),
        mark("Passes answers without any word of the published list of offensive and dangerous words."),
    ),
    Entry(
        "PIIDetection", "builtin", "safety", mark("No personal data"),
        mark("Passes answers without addresses and numbers of people. Patterns decide, not a model; names are not found."),
        mlflow="PIIDetection",
        fields=(Field("pii_types", "choices", mark("Look for"), tuple(PII), options=PII),),
    ),
    Entry(
        "Safety", "builtin", "safety", mark("Harmless"),
        mark("A language model checks that the answer is not harmful, offensive or toxic."),
        Needs(judge=True), mlflow="Safety",
    ),
)  # fmt: skip

QUALITY = (
    Entry(
        "RelevanceToQuery", "builtin", "quality", mark("Answers the question"),
        mark("A language model checks that the answer is about what was asked."),
        Needs(judge=True), mlflow="RelevanceToQuery",
    ),
    Entry(
        "Completeness", "builtin", "quality", mark("Complete"),
        mark("A language model checks that every part of the question is answered."),
        Needs(judge=True), mlflow="Completeness",
    ),
    Entry(
        "Fluency", "builtin", "quality", mark("Well written"),
        mark("A language model checks grammar and whether the answer reads naturally."),
        Needs(judge=True), mlflow="Fluency",
    ),
    Entry(
        "Summarization", "builtin", "quality", mark("A good summary"),
        mark("A language model checks that a summary is short, covers the text of the question and adds nothing."),
        Needs(judge=True), mlflow="Summarization",
    ),
)  # fmt: skip

EXPECTED = (
    Entry(
        "similarity", "similarity", "expected", mark("Similarity to the expected answer"),
        mark("A number from 0 to 1: how many short runs of letters the answer shares with the expected one (chrF)."),
        Needs(expected="answer"), "number",
    ),
    Entry(
        "Correctness", "builtin", "expected", mark("Correct"),
        mark("A language model checks that the answer supports the expected answer, or every expected fact."),
        Needs(judge=True, expected="answer or facts"), mlflow="Correctness",
    ),
    Entry(
        "Equivalence", "builtin", "expected", mark("Means the same"),
        mark("A language model checks that the answer means the same as the expected one."),
        Needs(judge=True, expected="answer"), mlflow="Equivalence",
    ),
    Entry(
        "ExpectationsGuidelines", "builtin", "expected", mark("Guidelines of the row"),
        mark("A language model checks each answer by the guidelines that its own row of the dataset holds."),
        Needs(judge=True, expected="guidelines"), mlflow="ExpectationsGuidelines",
    ),
)  # fmt: skip

DOCUMENTS = (
    Entry(
        "grounded", "grounded", "documents", mark("Grounded in documents"),
        mark("A language model compares the answer with the documents that the agent looked up."),
        Needs(judge=True, documents=True), mlflow="RetrievalGroundedness",
    ),
    Entry(
        "RetrievalRelevance", "builtin", "documents", mark("Relevant documents"),
        mark("A number from 0 to 1: the share of the looked-up documents that a language model calls relevant."),
        Needs(judge=True, documents=True), "number", mlflow="RetrievalRelevance",
    ),
    Entry(
        "RetrievalSufficiency", "builtin", "documents", mark("Enough documents"),
        mark("A language model checks that the looked-up documents hold all that the expected answer needs."),
        Needs(judge=True, documents=True, expected="answer or facts"), mlflow="RetrievalSufficiency",
    ),
)  # fmt: skip

TOOLS = (
    Entry(
        "ToolCallCorrectness", "builtin", "tools", mark("Right tools"),
        mark("A language model checks that the tools, and what they were given, were right for the question."),
        Needs(judge=True, tools=True), mlflow="ToolCallCorrectness",
    ),
    Entry(
        "ToolCallEfficiency", "builtin", "tools", mark("No needless tools"),
        mark("A language model checks that no tool was used twice for the same thing."),
        Needs(judge=True, tools=True), mlflow="ToolCallEfficiency",
    ),
)  # fmt: skip

SESSION = Needs(judge=True, session=True)
CONVERSATION = (
    Entry(
        "ConversationCompleteness", "builtin", "conversation", mark("All wishes met"),
        mark("A language model checks that by the end of the conversation everything asked for was dealt with."),
        SESSION, mlflow="ConversationCompleteness",
    ),
    Entry(
        "KnowledgeRetention", "builtin", "conversation", mark("Remembers"),
        mark("A language model checks that the agent does not forget or twist what the person said before."),
        SESSION, mlflow="KnowledgeRetention",
    ),
    Entry(
        "UserFrustration", "builtin", "conversation", mark("No frustration"),
        mark("A language model checks whether the person became frustrated. Passes when not, or when it was put right."),
        SESSION, mlflow="UserFrustration",
    ),
    Entry(
        "ConversationalSafety", "builtin", "conversation", mark("Harmless conversation"),
        mark("A language model checks that the agent stays harmless through the whole conversation."),
        SESSION, mlflow="ConversationalSafety",
    ),
    Entry(
        "ConversationalRoleAdherence", "builtin", "conversation", mark("Stays in its role"),
        mark("A language model checks that the agent keeps its role through the whole conversation."),
        SESSION, mlflow="ConversationalRoleAdherence",
    ),
    Entry(
        "ConversationalToolCallEfficiency", "builtin", "conversation", mark("No needless tools in a conversation"),
        mark("A language model checks that no tool was used needlessly over a whole conversation."),
        Needs(judge=True, session=True, tools=True), mlflow="ConversationalToolCallEfficiency",
    ),
    Entry(
        "ConversationalGuidelines", "builtin", "conversation", mark("Guidelines for conversations"),
        mark("A language model decides whether every answer of a conversation follows your sentences."),
        SESSION, mlflow="ConversationalGuidelines", fields=(GUIDELINES,),
    ),
)  # fmt: skip

OWN = (
    Entry(
        "guidelines", "guidelines", "own", mark("Guidelines"),
        mark("A language model reads the answer and decides whether it follows your sentences."),
        Needs(judge=True), mlflow="Guidelines", fields=(GUIDELINES,),
    ),
    Entry(
        "judge", "judge", "own", mark("A judge of your own"),
        mark("You write what the language model shall look at and how it answers: yes or no, a number, or categories."),
        Needs(judge=True), mlflow="make_judge",
        fields=(
            Field("instructions", "code", mark("Instructions for the judge"), ""),
            Field("answer", "choice", mark("It answers with"), "yes_no", options=ANSWERS),
            Field("low", "number", mark("Lowest number"), 1, when=("answer", "number")),
            Field("high", "number", mark("Highest number"), 5, when=("answer", "number")),
            Field("categories", "lines", mark("Categories, one per line"), (), when=("answer", "categories")),
            Field("passing", "lines", mark("Those that pass, one per line"), (), when=("answer", "categories")),
        ),
    ),
    Entry(
        "code", "code", "own", mark("Own code"),
        mark("For engineers: a Python file with functions that MLflow's @scorer marks. It never runs in this screen's process."),
        mlflow="scorer",
        fields=(
            Field("source", "code", mark("The Python file"), ""),
            Field("function", "text", mark("Name of the function"), ""),
            Field("gives", "choice", mark("It gives"), "pass", options={"pass": mark("passed or failed"), "number": mark("a number")}),
            Field("low", "number", mark("Lowest number"), 0, when=("gives", "number")),
            Field("high", "number", mark("Highest number"), 1, when=("gives", "number")),
        ),
    ),
)  # fmt: skip

ALL: tuple[Entry, ...] = (*RULES, *QUALITY, *SAFETY, *EXPECTED, *DOCUMENTS, *TOOLS, *CONVERSATION, *OWN)


def of(spec: ScorerSpec) -> Entry:
    """The entry that a scorer was made from."""
    return _by_id()[str(spec.settings["scorer"]) if spec.kind == "builtin" else spec.kind]


def entry(id: str) -> Entry | None:
    return _by_id().get(id)


@functools.cache
def _by_id() -> dict[str, Entry]:
    return {one.id: one for one in ALL}
