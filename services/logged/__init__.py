"""Code that MLflow logs with an agent version; it imports nothing of the console."""
