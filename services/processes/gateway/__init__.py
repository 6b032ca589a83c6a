"""The stable address of every endpoint: `python -m services.processes.gateway`. Imports no MLflow."""
