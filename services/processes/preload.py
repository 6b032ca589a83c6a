"""What every job child finds already imported: the fork server loads this once."""

import databricks.sdk  # noqa: F401  (MLflow imports it at the start of every evaluation)
import mlflow.genai
import mlflow.genai.scorers
import mlflow.pyfunc  # noqa: F401
import openai  # noqa: F401

import services.workspace  # noqa: F401
