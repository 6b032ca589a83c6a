"""Rules, and what keeps answers safe: most need no model."""

from services.messages import mark
from services.scorers.entries import Entry, Field, Needs

LANGUAGES = {"same": mark("the language of the question"), "ja": mark("Japanese"), "en": mark("English")}
UNITS = {"chars": mark("characters"), "words": mark("words")}
PII = {
    "email": mark("e-mail addresses"),
    "phone": mark("telephone numbers"),
    "ssn": mark("US social security numbers"),
    "credit_card": mark("credit card numbers"),
    "ip_address": mark("IP addresses"),
}
EXAMPLE = ({"name": "answer", "type": "string", "required": True},)

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
        "language", "language", "rules", mark("The right language"), mark("Passes answers in one language."),
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
