"""Metrics of DeepEval and Ragas, by MLflow's bridges to them; they can be added where the suite is installed."""

from services.messages import mark
from services.scorers.entries import SUITES, Entry, Field, Needs

# The suites' own default; what is dangerous passes below it, everything else from it on.
THRESHOLD = (Field("threshold", "fraction", mark("Threshold"), 0.5, mark("From 0 to 1, as the suite counts.")),)
JUDGE, FOUND = Needs(judge=True), Needs(judge=True, documents=True)
COMPARED = Needs(judge=True, expected="answer")
FOUND_AND_COMPARED = Needs(judge=True, documents=True, expected="answer")


def _deepeval(metric: str, title: str, asks: str, needs: Needs) -> Entry:
    return Entry(
        f"deepeval.{metric}", "suite", SUITES, title, asks, needs, mlflow=f"deepeval.{metric}", fields=THRESHOLD
    )


def _ragas(metric: str, title: str, asks: str, needs: Needs) -> Entry:
    return Entry(f"ragas.{metric}", "suite", SUITES, title, asks, needs, "number", mlflow=f"ragas.{metric}")


DEEPEVAL = (
    _deepeval("AnswerRelevancy", mark("To the point"), mark("The share of the answer's statements that belong to the question."), JUDGE),
    _deepeval("Faithfulness", mark("Faithful to documents"), mark("The share of the answer's claims that the looked-up documents do not contradict."), FOUND),
    _deepeval("ContextualRelevancy", mark("Documents to the point"), mark("The share of the looked-up statements that belong to the question."), FOUND),
    _deepeval("ContextualRecall", mark("Documents that suffice"), mark("The share of the expected answer that the looked-up documents hold."), FOUND_AND_COMPARED),
    _deepeval("ContextualPrecision", mark("Best documents first"), mark("Whether the documents that the expected answer needs come before the others."), FOUND_AND_COMPARED),
    _deepeval("Bias", mark("Unbiased"), mark("Passes when few opinions in the answer are biased: gender, race, politics, place."), JUDGE),
    _deepeval("Toxicity", mark("Not toxic"), mark("Passes when few opinions in the answer are insults, threats, mockery or hate."), JUDGE),
    _deepeval("PIILeakage", mark("Keeps private data"), mark("The share of the answer's statements that give away nothing about a person."), JUDGE),
)  # fmt: skip

RAGAS = (
    _ragas("Faithfulness", mark("Faithful to documents"), mark("The share of the answer's claims that the looked-up documents support."), FOUND),
    _ragas("ContextRelevance", mark("Documents to the point"), mark("How relevant the looked-up documents are to the question, judged twice."), FOUND),
    _ragas("ResponseGroundedness", mark("Grounded in documents"), mark("How far the looked-up documents support the answer, judged twice."), FOUND),
    _ragas("ContextRecall", mark("Documents that suffice"), mark("The share of the expected answer that the looked-up documents hold."), FOUND_AND_COMPARED),
    _ragas("ContextPrecision", mark("Best documents first"), mark("Whether the documents that the expected answer needs come before the others."), FOUND_AND_COMPARED),
    _ragas("AnswerAccuracy", mark("As expected"), mark("How well the answer agrees with the expected one, judged twice."), COMPARED),
    _ragas("FactualCorrectness", mark("Facts as expected"), mark("How many claims of the answer and of the expected one are the same (F1)."), COMPARED),
)  # fmt: skip
