"""A Databricks workspace as a platform: what behaves differently there."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.platforms import History, Scoring, Serving
    from services.platforms.compute import Compute
    from services.platforms.databricks.access import Access

# What keeps MLflow's and the judges' own clients from waiting for minutes or asking the internet.
ENVIRONMENT = {
    "MLFLOW_REGISTRY_URI": "databricks-uc",
    "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": "20",
    "MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS": "0",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_SQL_WAREHOUSE_AUTO_START": "false",
    "RAG_EVAL_LLM_JUDGE_MAX_JUDGE_ERROR_RETRIES": "1",
}


def parts(access: "Access") -> "tuple[Serving, Scoring, History, Compute]":
    """The four parts; nothing is asked before one of them is used, and the SDKs are imported only here."""
    from services.platforms.databricks.client import Client
    from services.platforms.databricks.compute import DatabricksCompute
    from services.platforms.databricks.history import DatabricksHistory
    from services.platforms.databricks.scoring import DatabricksScoring
    from services.platforms.databricks.serving import DatabricksServing

    client = Client(access)
    return DatabricksServing(client), DatabricksScoring(client), DatabricksHistory(), DatabricksCompute(client)
