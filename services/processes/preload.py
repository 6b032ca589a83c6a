"""What every job child finds already imported: the fork server loads this once.

Some jobs come again every minute: what they import each time would be most of what an idle console costs.
"""

import gc
import importlib
import os
from contextlib import suppress

import databricks.sdk  # noqa: F401  (MLflow imports it at the start of every evaluation)
import mlflow.genai
import mlflow.genai.scorers
import mlflow.pyfunc
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import openai  # noqa: F401
from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

import services.monitoring
import services.processes.child
import services.prompts.tending
import services.readmodel
import services.workspace  # noqa: F401
from services.platforms.databricks import access

# MLflow looks through every installed package once per process, which is most of the time a child needs to log an agent.
warn_dependency_requirement_mismatches(["mlflow"])
# On a workspace MLflow imports these for every evaluation, dataset and scorer.
if access.wanted(os.environ):
    with suppress(ImportError):
        importlib.import_module("databricks.agents")
# What stands here stays: a child that looks through it for rubbish finds none, and makes pages it shares with others its own.
gc.collect()
gc.freeze()
