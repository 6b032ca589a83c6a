"""Agent versions behind Model Serving: the first one makes the endpoint, later ones stand beside it without traffic."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.serving import ServedEntityInput, ServingEndpointDetailed, ServingModelWorkloadType

from services import agents
from services.errors import ConflictError, existing, translated
from services.messages import Message
from services.platforms import Answer, Delta, Endpoint, Rules, Served, ServedState, Serving, Target, traffic
from services.platforms.databricks import asking, changing, links, logs, served, variables
from services.platforms.databricks.apps import DatabricksApps
from services.platforms.databricks.client import Client
from services.platforms.databricks.scoring import MOST as MOST_SCORERS
from services.platforms.databricks.served import Entity

if TYPE_CHECKING:
    from services.kinds import Kind
    from services.workspace import Workspace

SIZE = "Small"
log = logging.getLogger("signalbox.databricks")


class DatabricksServing:
    """The endpoint itself is the only record: every verb reads it first, so that repeating one changes nothing."""

    rules = Rules(
        name_length=63,
        splits_traffic=True,
        served_versions=changing.MOST_VERSIONS,
        known_environment=variables.KNOWN,
        capital_names=True,
        fixed_environment=frozenset(variables.ALWAYS),
        overrides_config=False,
        secret_references=True,
        declares_resources=True,
        scorers=MOST_SCORERS,
        recorded_by="system.access.audit",
        first_takes_all=True,
        targets=tuple(Target),
        # Those of its runtimes that MLflow 3 takes; it builds the Python that the agent was logged with.
        pythons=("3.10", "3.11", "3.12"),
        seconds_to_ready=3600.0,
        usual_seconds=1000.0,
        look_every=10.0,
    )

    def __init__(self, client: Client) -> None:
        self.client = client
        self._models: dict[tuple[str, int], str] = {}
        self._apps = DatabricksApps(self)

    def of(self, target: Target) -> Serving:
        return self._apps if target is Target.APP else self

    def trouble(self, workspace: "Workspace") -> Message | None:
        return None

    def refuses(self, workspace: "Workspace", kind: "Kind") -> tuple[Message, Message] | None:
        return None

    def deploy(
        self, workspace: "Workspace", endpoint: str, version: int, model_id: str, model_config: Mapping[str, Any]
    ) -> None:
        """The first version of an endpoint gets its traffic as soon as it is ready: nobody asks it yet."""
        model = agents.registered_name(workspace)
        with translated(Message("Deploying version {version} to {endpoint}", version=version, endpoint=endpoint)):
            now = changing.found(self.client, endpoint)
            if now is None or not changing.stands(now, model, version):
                entity = self._entity(workspace, model, version)
                if now is None:
                    changing.create(workspace, self.client, endpoint, entity)
                else:
                    changing.add(workspace, self.client, changing.settled(self.client, endpoint), entity)
            self._record(workspace, endpoint, model, version)

    def endpoint(self, workspace: "Workspace", endpoint: str) -> Endpoint | None:
        with translated(Message("Reading the endpoint {endpoint}", endpoint=endpoint)):
            now = changing.found(self.client, endpoint)
            if now is None:
                return None
            model = agents.registered_name(workspace)
            versions = [self._served(workspace, endpoint, model, one) for one in served.entities(now, model)]
            versions = self._lost(workspace, now, model, versions) + versions
        access = self.client.access
        url = f"{access.host}{asking.path(endpoint)}"
        return Endpoint(endpoint, url, tuple(versions), links.endpoint(access, endpoint))

    def ask(
        self,
        workspace: "Workspace",
        endpoint: str,
        request: Mapping[str, Any],
        version: int | None = None,
        timeout: float = 120,
    ) -> Answer:
        """An endpoint that sleeps answers late, hence the time limit."""
        entity = None if version is None else served.entity_name(agents.registered_name(workspace), version)
        return asking.ask(workspace, self.client, asking.served_at(endpoint, entity), request, timeout)

    def stream(self, workspace: "Workspace", endpoint: str, request: Mapping[str, Any]) -> Iterator[Delta]:
        return asking.stream(self.client, asking.served_at(endpoint), request)

    def shift(self, workspace: "Workspace", endpoint: str, weights: Mapping[int, int]) -> None:
        """Returns when the endpoint answers with the new shares: until then it still uses the old ones.

        Raises ConflictError when somebody else's change of the traffic came to its end meanwhile.
        """
        current = traffic.movable(endpoint, self.endpoint(workspace, endpoint), weights)
        model = agents.registered_name(workspace)
        with translated(Message("Moving the traffic of {endpoint}", endpoint=endpoint)):
            now = changing.settled(self.client, endpoint)
            standing = [one for one in served.entities(now, model) if not one.pending]
            shares = {one.name: weights.get(one.version, 0) for one in standing}
            if shares != served.weights(now):
                if _taking((one.version, one.weight) for one in standing) != _taking(
                    (one.version, one.weight) for one in current.versions
                ):
                    raise _moved_meanwhile(endpoint)
                changing.configure(workspace, self.client, now, served.kept(now), shares)
                changing.settled(self.client, endpoint)
        self._record_again(workspace, endpoint, model, weights)

    def copy_questions(self, workspace: "Workspace", endpoint: str, version: int, percent: int) -> None:
        traffic.refuse_copies(percent)

    def retire(self, workspace: "Workspace", endpoint: str, version: int) -> None:
        """Take a version off; the last one stays, since an endpoint without any cannot exist."""
        model = agents.registered_name(workspace)
        with translated(Message("Taking version {version} off {endpoint}", version=version, endpoint=endpoint)):
            now = changing.settled(self.client, endpoint)
            gone = next((one for one in served.entities(now, model) if one.version == version), None)
            if gone is None or gone.pending:
                changing.forget(self.client, now, version)
                return
            if gone.weight:
                raise ConflictError(
                    Message(
                        "Version {version} still takes {weight} % of the traffic.", version=version, weight=gone.weight
                    ),
                    Message("Move the traffic to another version first."),
                )
            rest = [one for one in served.kept(now) if one.name != gone.name]
            shares = {name: share for name, share in served.weights(now).items() if name != gone.name}
            changing.configure(workspace, self.client, now, rest, shares)

    def dismantle(self, workspace: "Workspace", endpoint: str) -> None:
        """Raises ConflictError where the endpoint also serves what is none of this app's."""
        model = agents.registered_name(workspace)
        with translated(Message("Taking the endpoint {endpoint} away", endpoint=endpoint)):
            changing.remove(workspace, self.client, endpoint, model)
        try:
            changing.strike(self.client, endpoint, model)
        except DatabricksError as error:
            log.warning("The list of agents still names %s: %s", endpoint, error)

    def _record(self, workspace: "Workspace", endpoint: str, model: str, version: int) -> None:
        if workspace.app.environment.target is Target.AGENT:
            changing.record(self.client, endpoint, model, version)

    def _record_again(self, workspace: "Workspace", endpoint: str, model: str, weights: Mapping[int, int]) -> None:
        """A deployment may have been interrupted before it was told; what has moved stays moved without it."""
        try:
            for version in (version for version, share in weights.items() if share):
                self._record(workspace, endpoint, model, version)
        except DatabricksError as error:
            log.warning("The list of agents was not told of %s: %s", endpoint, error)

    def _entity(self, workspace: "Workspace", model: str, version: int) -> ServedEntityInput:
        return ServedEntityInput(
            name=served.entity_name(model, version),
            entity_name=model,
            entity_version=str(version),
            workload_size=SIZE,
            workload_type=ServingModelWorkloadType.CPU,
            scale_to_zero_enabled=True,
            environment_vars=variables.of(workspace, self.client),
        )

    def _served(self, workspace: "Workspace", endpoint: str, model: str, one: Entity) -> Served:
        why = None
        if one.state is ServedState.FAILED:
            why = one.message or logs.why(self.client, endpoint, one.name)
        model_id = self.model_id(workspace, model, one.version)
        return Served(one.version, model_id, one.weight, one.state, why, asleep=one.asleep)

    def _lost(
        self, workspace: "Workspace", now: ServingEndpointDetailed, model: str, known: list[Served]
    ) -> list[Served]:
        """The version that was to be added and is in no configuration any more because it did not come up."""
        number = served.wanted(now) if served.failed(now) else None
        if number is None or number in {one.version for one in known}:
            return []
        why = logs.why(self.client, str(now.name), served.entity_name(model, number))
        return [Served(number, self.model_id(workspace, model, number), 0, ServedState.FAILED, why)]

    def model_id(self, workspace: "Workspace", model: str, version: int) -> str:
        """What a registered version was made of never changes; nothing when it was deleted and still answers."""
        known = self._models.get((model, version))
        if known is None:
            found = existing(workspace.client.get_model_version, model, str(version))
            if found is None:
                return ""
            known = str(found.model_id or str(found.source).removeprefix("models:/"))
            self._models[(model, version)] = known
        return known


def _taking(shares: Iterable[tuple[int, int]]) -> dict[int, int]:
    return {version: weight for version, weight in shares if weight}


def _moved_meanwhile(endpoint: str) -> ConflictError:
    return ConflictError(
        Message("Somebody else moved the traffic of {endpoint} at the same moment.", endpoint=endpoint),
        Message("Look at what is live, then resume or propose the release again."),
    )
