"""One served agent version: `python -m services.processes.version --model-uri models:/m-… --port …`."""
