"""What must be there before threads ask a model: import this first.

Where litellm is installed MLflow imports it for the price of an answer, and with it httpx, whenever the first answer comes.
OpenAI's client looks into a half imported httpx and fails. And prices come with litellm: nobody has to ask the internet.
"""

import importlib
import os
from contextlib import suppress

PRICES_WITHOUT_NETWORK = "LITELLM_LOCAL_MODEL_COST_MAP"

os.environ.setdefault(PRICES_WITHOUT_NETWORK, "True")
with suppress(ImportError):
    importlib.import_module("httpx")
