"""Suites of metrics that MLflow bridges: whether they are installed, and how own code uses them."""

import importlib.util
from dataclasses import dataclass

EXAMPLE = """from mlflow.genai.scorers import scorer
from mlflow.genai.scorers.{module} import get_scorer

@scorer
def relevant(inputs, outputs):
    return get_scorer("AnswerRelevancy", model="openai:/your-model")(inputs=inputs, outputs=outputs)
"""


@dataclass(frozen=True)
class Suite:
    """`module` is the package and MLflow's bridge to it."""

    name: str
    module: str

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    @property
    def example(self) -> str:
        return EXAMPLE.format(module=self.module)


ALL = (Suite("DeepEval", "deepeval"), Suite("Ragas", "ragas"))
