"""Agent files as engineers bring them: good ones, from which the tests make broken ones."""

RESPONSES = """import uuid

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse


class Agent(ResponsesAgent):
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        said = [item.model_dump()["content"] for item in request.input]
        text = f"You said: {said[-1]}" if said else "Please ask."
        item = self.create_text_output_item(text=text, id=f"msg_{uuid.uuid4().hex}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Agent())
"""

STREAMING = """import uuid

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent


class Agent(ResponsesAgent):
    def predict(self, request):
        events = list(self.predict_stream(request))
        return ResponsesAgentResponse(output=[event.item for event in events if event.type.endswith("done")])

    def predict_stream(self, request):
        item_id = str(uuid.uuid4())
        words = ["Good ", "morning", "."]
        for word in words:
            yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=word, item_id=item_id))
        whole = "".join(words)
        yield ResponsesAgentStreamEvent(
            type="response.output_item.done", item=self.create_text_output_item(text=whole, id=item_id)
        )


mlflow.models.set_model(Agent())
"""

WITH_HISTORY = RESPONSES.replace("{said[-1]}", "{' / '.join(map(str, said))}")

CHAT_PROMPT = """import os
import uuid

import mlflow
import openai
from mlflow.models import ModelConfig
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse

PROMPT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Example?"}]


class Agent(ResponsesAgent):
    def __init__(self):
        self.config = ModelConfig(development_config={"llm_model": "stub"})
        self.client = None

    def predict(self, request):
        if self.client is None:
            self.client = openai.OpenAI(timeout=20, api_key=os.environ["OPENAI_API_KEY"])
        talk = [{"role": item.role, "content": item.content} for item in request.input]
        made = self.client.chat.completions.create(model=self.config.get("llm_model"), messages=[*PROMPT, *talk])
        item = self.create_text_output_item(made.choices[0].message.content, id=f"msg_{uuid.uuid4().hex}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Agent())
"""

AS_DICTIONARY = RESPONSES.replace("ResponsesAgentResponse(output=[item])", '{"output": [item]}')

CHAT = """import uuid

import mlflow
from mlflow.pyfunc import ChatAgent
from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse


class Agent(ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        text = f"You said: {messages[-1].content}" if messages else "Please ask."
        return ChatAgentResponse(messages=[ChatAgentMessage(role="assistant", content=text, id=str(uuid.uuid4()))])


mlflow.models.set_model(Agent())
"""

CHAT_STREAMING = """import uuid

import mlflow
from mlflow.pyfunc import ChatAgent
from mlflow.types.agent import ChatAgentChunk, ChatAgentMessage, ChatAgentResponse


class Agent(ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        chunks = list(self.predict_stream(messages, context, custom_inputs))
        text = "".join(chunk.delta.content for chunk in chunks)
        return ChatAgentResponse(messages=[ChatAgentMessage(role="assistant", content=text, id=chunks[0].delta.id)])

    def predict_stream(self, messages, context=None, custom_inputs=None):
        id = str(uuid.uuid4())
        for word in ["Good ", "morning"]:
            yield ChatAgentChunk(delta=ChatAgentMessage(role="assistant", content=word, id=id))


mlflow.models.set_model(Agent())
"""

TEXTS = """import mlflow
from mlflow.pyfunc import PythonModel


class Agent(PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [f"You said: {question}" for question in model_input]


mlflow.models.set_model(Agent())
"""

TYPED = """import mlflow
import pydantic
from mlflow.pyfunc import PythonModel


class Turn(pydantic.BaseModel):
    role: str
    content: str


class Question(pydantic.BaseModel):
    messages: list[Turn]
    language: str


class Agent(PythonModel):
    def predict(self, context, model_input: list[Question], params=None) -> list[str]:
        return [f"You said: {one.messages[-1].content}" for one in model_input]


mlflow.models.set_model(Agent())
"""

TABLE = """import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class Agent(PythonModel):
    def predict(self, context, model_input: pd.DataFrame) -> list[str]:
        return ["You said: " + question for question in model_input["question"]]


mlflow.models.set_model(Agent())
"""

FUNCTION = """import mlflow


def answer(model_input: list[str]) -> list[str]:
    return [question.upper() for question in model_input]


mlflow.models.set_model(answer)
"""

FORM = """import mlflow
import pydantic
from mlflow.pyfunc import PythonModel


class Claim(pydantic.BaseModel):
    amount: float
    country: str
    urgent: bool | None = None


class Agent(PythonModel):
    def predict(self, model_input: list[Claim]) -> list[dict]:
        return [{"decision": "look" if one.urgent else "pay", "amount": one.amount} for one in model_input]


mlflow.models.set_model(Agent())
"""

ANSWERS_TYPED = FORM.replace(
    "class Agent(",
    "class Verdict(pydantic.BaseModel):\n    decision: str\n\n\nclass Agent(",
).replace(
    """list[dict]:
        return [{"decision": "look" if one.urgent else "pay", "amount": one.amount} for one in model_input]""",
    """list[Verdict]:
        return [Verdict(decision="look" if one.urgent else "pay") for one in model_input]""",
)

CALLS_TOOLS = """import uuid

import mlflow
from mlflow.pyfunc import ChatAgent
from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse


class Agent(ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
        said = [
            ChatAgentMessage(role="assistant", content="", tool_calls=[call], id=str(uuid.uuid4())),
            ChatAgentMessage(role="tool", name="weather", tool_call_id="call_1", content="rain", id=str(uuid.uuid4())),
            ChatAgentMessage(role="assistant", content="It rains in Oslo.", id=str(uuid.uuid4())),
        ]
        return ChatAgentResponse(messages=said)


mlflow.models.set_model(Agent())
"""

GOOD = {
    "a ResponsesAgent": RESPONSES,
    "a streaming ResponsesAgent": STREAMING,
    "with history": WITH_HISTORY,
    "with a chat prompt": CHAT_PROMPT,
    "answering with a dictionary": AS_DICTIONARY,
    "a ChatAgent": CHAT,
    "a streaming ChatAgent": CHAT_STREAMING,
    "a PythonModel on texts": TEXTS,
    "a typed PythonModel": TYPED,
    "a PythonModel on a table": TABLE,
    "a function": FUNCTION,
    "a form": FORM,
    "a form with a typed answer": ANSWERS_TYPED,
    "a ChatAgent with a tool": CALLS_TOOLS,
}
