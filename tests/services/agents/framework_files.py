"""Agents written with a framework, each in a file of its own as engineers bring it."""

LANGGRAPH = """import os

import mlflow
from langchain_core.messages import convert_to_messages
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from mlflow.models import ModelConfig
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent

mlflow.langchain.autolog()
config = ModelConfig(development_config={"llm_model": "stub"})


def graph():
    model = ChatOpenAI(model=config.get("llm_model"), timeout=30, max_retries=1)

    def answer(state: MessagesState):
        return {"messages": [model.invoke(state["messages"])]}

    steps = StateGraph(MessagesState)
    steps.add_node("answer", answer)
    steps.add_edge(START, "answer")
    return steps.compile()


class Agent(ResponsesAgent):
    def __init__(self):
        self.graph = graph()

    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        talk = self.prep_msgs_for_cc_llm(request.input)
        if not talk:
            item = self.create_text_output_item(text="Please ask a question.", id="msg_empty")
            return ResponsesAgentResponse(output=[item])
        said = self.graph.invoke({"messages": convert_to_messages(talk)})["messages"][-1]
        return ResponsesAgentResponse(output=[self.create_text_output_item(text=said.content, id=said.id)])

    def predict_stream(self, request: ResponsesAgentRequest):
        talk = convert_to_messages(self.prep_msgs_for_cc_llm(request.input))
        pieces, item_id = [], ""
        for piece, _ in self.graph.stream({"messages": talk}, stream_mode="messages"):
            if piece.content:
                item_id = item_id or piece.id
                pieces.append(piece.content)
                yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=piece.content, item_id=item_id))
        item = self.create_text_output_item(text="".join(pieces), id=item_id)
        yield ResponsesAgentStreamEvent(type="response.output_item.done", item=item)


mlflow.models.set_model(Agent())
""".replace("import os\n\n", "")

OPENAI_AGENTS = """import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor

import mlflow
from agents import Agent as Worker
from agents import OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from mlflow.models import ModelConfig
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse
from openai import AsyncOpenAI

set_tracing_disabled(True)
config = ModelConfig(development_config={"llm_model": "stub"})


async def answered(talk):
    async with AsyncOpenAI(timeout=30) as client:
        model = OpenAIChatCompletionsModel(model=config.get("llm_model"), openai_client=client)
        worker = Worker(name="helper", instructions="Be brief.", model=model)
        return (await Runner.run(worker, talk)).final_output


class Agent(ResponsesAgent):
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        talk = self.prep_msgs_for_cc_llm(request.input)
        with ThreadPoolExecutor(1) as own_thread:
            text = own_thread.submit(asyncio.run, answered(talk)).result() if talk else "Please ask a question."
        item = self.create_text_output_item(text=text, id=f"msg_{uuid.uuid4().hex}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Agent())
"""

DSPY = """import uuid

import dspy
import mlflow
from mlflow.models import ModelConfig
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse

config = ModelConfig(development_config={"llm_model": "stub"})


class Agent(ResponsesAgent):
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        answer = dspy.Predict("conversation: str, question: str -> answer: str")
        talk = self.prep_msgs_for_cc_llm(request.input)
        text = "Please ask a question."
        if talk:
            earlier = "\\\\n".join(f"{turn['role']}: {turn['content']}" for turn in talk[:-1])
            model = dspy.LM(f"openai/{config.get('llm_model')}", cache=False, num_retries=0)
            with dspy.context(lm=model):
                text = answer(conversation=earlier, question=talk[-1]["content"]).answer
        item = self.create_text_output_item(text=text, id=f"msg_{uuid.uuid4().hex}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Agent())
""".replace("\\\\n", "\\n")

SEVERAL = """import uuid

import mlflow
from mlflow.entities import SpanType
from mlflow.models import ModelConfig
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse
from openai import OpenAI

config = ModelConfig(development_config={"llm_model": "stub"})


@mlflow.trace(name="weather", span_type=SpanType.TOOL)
def weather(city):
    return f"It rains in {city}."


@mlflow.trace(name="researcher", span_type=SpanType.AGENT)
def research(question):
    return weather("Oslo")


@mlflow.trace(name="writer", span_type=SpanType.AGENT)
def write(talk, facts):
    asked = [{"role": "system", "content": f"Facts: {facts}"}, *talk]
    client = OpenAI(timeout=30)
    return client.chat.completions.create(model=config.get("llm_model"), messages=asked).choices[0].message.content


class Agent(ResponsesAgent):
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        talk = self.prep_msgs_for_cc_llm(request.input)
        text = write(talk, research(talk[-1]["content"])) if talk else "Please ask a question."
        item = self.create_text_output_item(text=text, id=f"msg_{uuid.uuid4().hex}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Agent())
"""

PACKAGES = {
    "LangGraph": ("langgraph", "langchain-openai"),
    "OpenAI Agents SDK": ("openai-agents",),
    "DSPy": ("dspy",),
    "several agents": (),
}
FRAMEWORKS = {
    "LangGraph": LANGGRAPH,
    "OpenAI Agents SDK": OPENAI_AGENTS,
    "DSPy": DSPY,
    "several agents": SEVERAL,
}
