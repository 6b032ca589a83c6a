"""What a serving endpoint's answer says about the agent versions behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from databricks.sdk.service.serving import (
    EndpointStateConfigUpdate,
    Route,
    ServedEntityInput,
    ServedEntityOutput,
    ServedModelStateDeployment,
    ServingEndpointDetailed,
)

from services.platforms import ServedState
from services.secrets import masked

LONGEST_NAME = 63
ASLEEP = "scaled to zero"
WANTED_TAG = "signalbox_deploying"
FEEDBACK = "feedback"  # what `databricks.agents` of earlier days put beside an agent
KEPT = (
    "entity_name", "entity_version", "environment_vars", "instance_profile_arn", "max_provisioned_concurrency",
    "max_provisioned_throughput", "min_provisioned_concurrency", "min_provisioned_throughput", "name",
    "provisioned_model_units", "scale_to_zero_enabled",
)  # fmt: skip
ENDED = (ServedModelStateDeployment.DEPLOYMENT_FAILED, ServedModelStateDeployment.DEPLOYMENT_ABORTED)


@dataclass(frozen=True)
class Entity:
    """One served entity of an endpoint; `pending` while it is part only of a configuration that is not live yet."""

    version: int
    found: ServedEntityOutput
    weight: int
    pending: bool
    broken: bool

    @property
    def name(self) -> str:
        return str(self.found.name)

    @property
    def message(self) -> str:
        state = self.found.state
        return masked((state.deployment_state_message or "") if state else "")

    @property
    def state(self) -> ServedState:
        deployment = self.found.state.deployment if self.found.state else None
        if deployment in ENDED or (self.pending and self.broken):
            return ServedState.FAILED
        if not self.pending and deployment in (ServedModelStateDeployment.DEPLOYMENT_READY, None):
            return ServedState.READY
        return ServedState.STARTING

    @property
    def asleep(self) -> bool:
        return self.state is ServedState.READY and ASLEEP in self.message.lower()


def entity_name(model: str, version: int) -> str:
    """What `databricks.agents` calls the served entity of a registered version."""
    suffix = f"_{version}"
    return model[: LONGEST_NAME - len(suffix)].replace(".", "-") + suffix


def updating(found: ServingEndpointDetailed) -> bool:
    return found.state is not None and found.state.config_update == EndpointStateConfigUpdate.IN_PROGRESS


def failed(found: ServingEndpointDetailed) -> bool:
    """Whether the last change of the configuration did not come to its end."""
    return found.state is not None and found.state.config_update == EndpointStateConfigUpdate.UPDATE_FAILED


def entities(found: ServingEndpointDetailed, model: str) -> list[Entity]:
    """The versions of that registered model, the newest first; those that are live already hide their next life,
    unless they failed and come up again."""
    known: dict[int, Entity] = {}
    pending = found.pending_config.served_entities if found.pending_config else None
    for one in pending or []:
        if one.entity_name == model:
            known[_version(one)] = Entity(_version(one), one, 0, True, failed(found))
    shares = weights(found)
    for one in (found.config.served_entities if found.config else None) or []:
        if one.entity_name == model:
            live = Entity(_version(one), one, shares.get(str(one.name), 0), False, failed(found))
            again = known.get(live.version) if live.state is ServedState.FAILED and updating(found) else None
            known[live.version] = replace(again, weight=live.weight) if again else live
    return sorted(known.values(), key=lambda one: one.version, reverse=True)


def others(found: ServingEndpointDetailed, model: str) -> list[str]:
    """What the endpoint serves or is about to serve besides that registered model and its feedback model."""
    configs = (found.config, found.pending_config)
    standing = [one for config in configs if config for one in config.served_entities or []]
    return [str(one.entity_name) for one in standing if one.entity_name != model and one.name != FEEDBACK]


def weights(found: ServingEndpointDetailed) -> dict[str, int]:
    """Percent of the traffic by served entity, as it is now."""
    traffic = found.config.traffic_config if found.config else None
    routes = (traffic.routes if traffic else None) or []
    return {str(one.served_entity_name or one.served_model_name): int(one.traffic_percentage) for one in routes}


def becomes(found: ServingEndpointDetailed) -> dict[str | None, int]:
    """The shares of the configuration that is on its way."""
    pending = found.pending_config
    traffic = (pending.traffic_config.routes if pending and pending.traffic_config else None) or []
    shares = {one.served_entity_name or one.served_model_name: int(one.traffic_percentage) for one in traffic}
    return {one.name: shares.get(one.name, 0) for one in (pending.served_entities if pending else None) or []}


def wanted(found: ServingEndpointDetailed) -> int | None:
    """The version that was to be added last; a failed change leaves no other trace of it."""
    told = next((tag.value for tag in found.tags or [] if tag.key == WANTED_TAG), None)
    return int(told) if told and told.isdecimal() else None


def kept(found: ServingEndpointDetailed) -> list[ServedEntityInput]:
    """The live entities as the next configuration takes them, references to secrets included."""
    live = (found.config.served_entities if found.config else None) or []
    return [_again(one) for one in live]


def routes(shares: Mapping[str, int]) -> list[Route]:
    return [Route(served_model_name=name, traffic_percentage=share) for name, share in shares.items()]


def _again(one: ServedEntityOutput) -> ServedEntityInput:
    told = one.as_dict()
    taken = {name: told[name] for name in (*KEPT, "workload_size", "workload_type") if told.get(name) is not None}
    return ServedEntityInput.from_dict(taken)


def _version(one: ServedEntityOutput) -> int:
    return int(one.entity_version or 0)
