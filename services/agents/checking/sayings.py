"""Everything that can be seen while an agent runs, with why it matters and how to mend it."""

from dataclasses import dataclass

from services.messages import mark


@dataclass(frozen=True)
class Saying:
    """Three message ids; their values come from the run."""

    what: str
    why: str
    mend: str
    blocking: bool = True


SAYINGS = {
    "no_set_model": Saying(
        mark("When the file runs, it names no agent."),
        mark("MLflow runs the file and takes the object that the file names."),
        mark("Call mlflow.models.set_model(…) at the end of the file, outside any condition."),
    ),
    "no_module": Saying(
        mark("The package {name} is not installed here."),
        mark("The file could not be loaded, so nothing else was tried."),
        mark("Have it installed, or do without it."),
    ),
    "not_loaded": Saying(
        mark("Loading the file failed with “{reason}”."),
        mark("A server that starts the agent would fail the same way."),
        mark("Mend that line. Calls to the outside belong into predict, not at the top of the file."),
    ),
    "not_accepted": Saying(
        mark("MLflow does not accept the agent: “{reason}”."),
        mark("It would refuse to log it for the same reason."),
        mark("Give predict a parameter model_input with a type hint such as list[str], and return a list[str]."),
    ),
    "other_kind": Saying(
        mark("set_model was given an object that is not an agent."),
        mark("Only a ResponsesAgent, a ChatAgent, a PythonModel or a function can be asked and served."),
        mark("Give it an object of such a class: MyAgent(), with the brackets."),
    ),
    "model": Saying(
        mark("The model that the agent asks did not answer: “{reason}”."),
        mark("Without an answer of the model the agent could not be checked further."),
        mark("Check the model's name, address and key on the Connection screen, then check the file again."),
    ),
    "model_form": Saying(
        mark("The model answered, but not in the form that DSPy asks for."),
        mark("DSPy reads the model's answer by the names of its fields. The file itself may be right."),
        mark(
            "The practice model cannot follow such a form: connect a real model, as the Connection screen says, then "
            "check the file again. If a real model answered, ask for fewer or simpler fields."
        ),
    ),
    "no_workspace": Saying(
        mark("Its sign-in to Databricks failed: “{reason}”."),
        mark(
            "Neither this check nor MLflow, which asks an agent while it is logged, gets an answer without a workspace."
        ),
        mark(
            "The file itself may be right. Log it in a console that is connected to its workspace, or connect this one, "
            "as the Connection screen says."
        ),
    ),
    "wrong_answer": Saying(
        mark("Its answer is not a valid {expected} ({reason})."),
        mark("MLflow and the server refuse an answer of another form."),
        mark("Return {form}."),
    ),
    "wrong_typed": Saying(
        mark("Its answer is not a valid {expected} ({reason})."),
        mark("MLflow and the server refuse an answer of another form."),
        mark("Return what the type hint promises, or correct the hint."),
    ),
    "wrong_stream": Saying(
        mark("A piece of its stream is not a valid {expected} ({reason})."),
        mark("MLflow and the server refuse an answer of another form."),
        mark("Yield {form}."),
    ),
    "failed_answer": Saying(
        mark("Its first answer failed with “{reason}”."),
        mark("Every question would fail like this one."),
        mark("Mend that line; the question was “Hello, who are you?”."),
    ),
    "failed_stream": Saying(
        mark("It answers, but streaming the answer failed with “{reason}”."),
        mark("Chats ask for streamed answers: they would show an error."),
        mark("Mend that line, or remove predict_stream: chats then wait for the whole answer."),
    ),
    "failed_talk": Saying(
        mark("It answers one question, but failed in a conversation with “{reason}”."),
        mark("A conversation sends its earlier turns along: messages of the user and of the assistant."),
        mark("Let predict read every message of the request, also those with the role assistant."),
    ),
    "failed_empty": Saying(
        mark("A request without a message fails with “{reason}”."),
        mark("Nobody who reads that error understands what was missing."),
        mark("Look whether there is a message first, and answer with a plain sentence."),
        blocking=False,
    ),
    "unknown_form": Saying(
        mark("It could not be asked: predict does not say what a question looks like."),
        mark("None of the usual forms was taken, so neither this check nor an evaluation can ask it."),
        mark("Make it a ResponsesAgent, or give model_input a type hint such as list[str]."),
    ),
    "no_text": Saying(
        mark("Its answer to “Hello, who are you?” has no text."),
        mark("People and scorers read the text of an answer."),
        mark("Put the text into the answer, also when a tool was called before."),
        blocking=False,
    ),
    "endless_stream": Saying(
        mark("Its stream did not end after {n} pieces."),
        mark("A stream that never ends holds a place of the server until it is restarted."),
        mark("End the loop in predict_stream when the model has finished."),
    ),
    "stream_without_end": Saying(
        mark("Its stream never says that the answer is complete."),
        mark("MLflow puts the answer of the trace together from that last event; without it the trace is empty."),
        mark(
            'Yield at the end: ResponsesAgentStreamEvent(type="response.output_item.done", '
            "item=self.create_text_output_item(text=whole, id=item_id))."
        ),
    ),
    "stream_ids": Saying(
        mark("Pieces of its stream carry an id that the complete answer does not have."),
        mark("Who reads the stream joins pieces by their id: the answer would stand there twice, or in shreds."),
        mark("Make one id before the first piece, and use it for every piece and for the complete answer."),
    ),
    "stream_text": Saying(
        mark("The complete answer at the end of its stream is not the text of its pieces."),
        mark("People read the pieces, the trace and the scorers keep the end: they would judge another text."),
        mark("Collect the pieces and put exactly their text into response.output_item.done."),
    ),
    "stream_ids_of_chunks": Saying(
        mark("Every piece of its stream carries another id."),
        mark("Who reads the stream joins pieces by their id: every piece would stand there as a message of its own."),
        mark("Make one id before the first piece, and use it for every piece of the same message."),
    ),
    "stream_empty": Saying(
        mark("Its stream has no text."),
        mark("A chat would show an empty answer."),
        mark("Yield {form}."),
    ),
    "leak": Saying(
        mark("What one conversation said came up in the answer to another (the made-up word “{word}”)."),
        mark("One agent answers everyone: a person would read what someone else wrote."),
        mark("Keep nothing on self or in globals; take the earlier turns of a conversation from the request."),
    ),
    "same_ids": Saying(
        mark("Several answers carry the same id."),
        mark("Screens and traces that join messages by their id mix them up."),
        mark('Make a new id for every answer: id=f"msg_{{uuid.uuid4().hex}}".'),
        blocking=False,
    ),
    "kept": Saying(
        mark("After the answers {name} still holds what was said."),
        mark("It grows with every question, can show up in another person's answer, and is lost at a restart."),
        mark("Use local variables, and take the earlier turns of a conversation from the request."),
        blocking=False,
    ),
}
