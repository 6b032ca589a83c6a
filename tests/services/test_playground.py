"""The playground: the model is asked under the filled template; failures are sentences."""

import pytest

from services import playground
from services.errors import InvalidInputError, PlatformError
from tests.stub_model import stub_model


@pytest.fixture
def model(environ):
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "k"}
        yield stub


def test_the_template_is_filled_before_the_model_sees_it(model, workspace):
    answer = "".join(playground.stream(workspace, "For {{company_name}}, {{tone}}.", "Hello"))
    assert "For Acme, friendly." in answer
    assert model.requests[-1]["messages"][-1] == {"role": "user", "content": "Hello"}


def test_a_bad_template_is_refused_before_the_model_is_asked(model, workspace):
    with pytest.raises(InvalidInputError):
        list(playground.stream(workspace, "{{a-b}}", "Hello"))
    assert model.requests == []


@pytest.mark.parametrize(("status", "told"), [(429, "busy"), (500, "500"), (401, "key")])
def test_what_the_model_answers_becomes_a_sentence(model, workspace, status, told):
    model.status = status
    with pytest.raises(Exception, match=told):
        list(playground.stream(workspace, "Hello", "Hello"))


def test_a_model_that_is_not_there_is_said(environ, workspace):
    with pytest.raises(PlatformError, match="could not be reached"):
        playground.check_model(workspace, "practice")
