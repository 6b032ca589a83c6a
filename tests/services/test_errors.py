"""What is missing is told from what could not be looked at."""

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST

from services.errors import existing


def read(name: str, refused: int | None = None) -> str:
    if refused is not None:
        raise MlflowException(name, error_code=refused)
    return name


def test_only_what_does_not_exist_is_nothing():
    assert existing(read, "support") == "support"
    assert existing(read, "support", refused=RESOURCE_DOES_NOT_EXIST) is None
    with pytest.raises(MlflowException, match="support"):
        existing(read, "support", refused=PERMISSION_DENIED)
