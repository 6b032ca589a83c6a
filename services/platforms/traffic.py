"""What every platform asks of the shares of an endpoint's traffic before it moves them."""

from collections.abc import Mapping

from services.errors import InvalidInputError, NotFoundError, NotReadyError
from services.messages import Message
from services.platforms import Endpoint


def movable(name: str, current: Endpoint | None, weights: Mapping[int, int]) -> Endpoint:
    """The endpoint; raises where none stands, shares do not add up, or a version that gets one cannot answer."""
    if current is None:
        raise NotFoundError(
            Message("Nothing is deployed at {endpoint}.", endpoint=name),
            Message("Release an agent version first."),
        )
    if sum(weights.values()) != 100 or min(weights.values()) < 0:
        raise InvalidInputError(
            Message("The shares of the traffic add up to {sum} %, not to 100 %.", sum=sum(weights.values())),
            Message("Correct the shares."),
        )
    for number, share in weights.items():
        target = current.version(number)
        if share and (target is None or not target.ready):
            raise NotReadyError(
                Message("Version {version} is not ready at {endpoint}.", version=number, endpoint=current.name),
                Message("Wait until it is ready, or read on the Endpoints screen why it failed."),
            )
    return current


def refuse_copies(percent: int) -> None:
    """For a platform that copies no questions, as its `rules` say: raises, unless copying is to end, which never began."""
    if percent:
        raise NotReadyError(
            Message("This platform cannot copy questions to another version."),
            Message("Compare the versions in an evaluation, or by a canary."),
        )
