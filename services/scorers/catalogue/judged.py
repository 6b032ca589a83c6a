"""MLflow's scorers that a language model decides."""

from services.messages import mark
from services.scorers.entries import Entry, Field, Needs

GUIDELINES = Field(
    "guidelines", "lines", mark("Guidelines, one per line"), (), mark("The answer must name a next step.")
)

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
