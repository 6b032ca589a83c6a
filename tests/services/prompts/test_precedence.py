"""Whose setting reaches the model, told the same way as the logged agent does it."""

from services.logged.responses_agent import SETTINGS
from services.prompts import ModelSettings
from services.prompts.precedence import NAMES, in_force

CONFIG = {"llm_model": "small", "temperature": 0.9, "max_output_tokens": None}


def test_the_prompt_version_overrules_the_agent():
    found = {one.name: one for one in in_force(ModelSettings(model_name="large", max_tokens=50), CONFIG)}

    assert (found["model_name"].value, found["model_name"].overruled) == ("large", True)
    assert (found["temperature"].value, found["temperature"].overruled) == (0.9, False)
    assert (found["max_tokens"].value, found["max_tokens"].overruled) == (50, False)
    assert "top_p" not in found


def test_zero_is_a_setting_like_any_other():
    (temperature,) = in_force(ModelSettings(temperature=0.0), {"temperature": 0.9})
    assert (temperature.value, temperature.overruled) == (0.0, True)


def test_every_setting_told_is_one_that_the_agent_sends():
    assert set(NAMES) <= set(SETTINGS)
