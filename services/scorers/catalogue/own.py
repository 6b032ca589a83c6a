"""Scorers in one's own words or code."""

from services.messages import mark
from services.scorers.catalogue.judged import GUIDELINES
from services.scorers.entries import Entry, Field, Needs

ANSWERS = {
    "yes_no": mark("yes or no"),
    "number": mark("a number on a scale"),
    "categories": mark("one of several categories"),
}

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
            Field(
                "instructions", "code", mark("Instructions for the judge"), "",
                mark("Such as: Is {{{{ outputs }}}} polite? Answer yes or no."),
            ),
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
