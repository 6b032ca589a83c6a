"""A model that every logged agent asks."""

from collections.abc import Iterator

import pytest

from tests.stub_model import StubModel, stub_model


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubModel]:
    with stub_model() as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_API_KEY", "stub")
        yield stub
