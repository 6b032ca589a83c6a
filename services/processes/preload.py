"""What every job child finds already imported: the fork server loads this once."""

import importlib
import os
from contextlib import suppress

import databricks.sdk  # noqa: F401  (MLflow imports it at the start of every evaluation)
import mlflow.genai
import mlflow.genai.scorers
import mlflow.pyfunc  # noqa: F401
import openai  # noqa: F401
from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

import services.processes.child
import services.processes.early
import services.workspace  # noqa: F401
from services.platforms.databricks import access

# MLflow looks through every installed package once per process, which is most of the time a child needs to log an agent.
warn_dependency_requirement_mismatches(["mlflow"])
# On a workspace MLflow imports these for every evaluation, dataset and scorer.
if access.wanted(os.environ):
    with suppress(ImportError):
        importlib.import_module("databricks.agents")
