"""Agent versions as apps of the workspace: one that answers everybody, and beside it one for what is tested.

An app runs one version and cannot share its traffic. So a new version first runs in an app of its own, which only the console
asks, and takes the other one's place when it has proven itself. The apps are the only record: every verb reads them first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from databricks.sdk.service.apps import App

from services import agents
from services.agents import requirements
from services.errors import ConflictError, NotFoundError, NotReadyError, translated
from services.kinds import Kind
from services.messages import Message
from services.platforms import Answer, Delta, Endpoint, Served, ServedState, Serving, Target, traffic
from services.platforms.databricks import access, asking, links, variables
from services.platforms.databricks.apps import changing, source
from services.platforms.databricks.asking import Address

if TYPE_CHECKING:
    from services.platforms.databricks.serving import DatabricksServing
    from services.workspace import Workspace

BESIDE = "-next"
LONGEST_NAME = 30
OF_SERVING = frozenset(variables.ALWAYS)
SET_HERE = frozenset({"DATABRICKS_APP_PORT", "DATABRICKS_AUTH_TYPE", "MLFLOW_ACTIVE_MODEL_ID"})
HOW_TO_SIGN_IN = Message(
    "Let the console sign in as a service principal (DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET), or choose another "
    "way of serving on the Apps screen, under Environments."
)


class DatabricksApps:
    """`endpoints` is the platform's usual way of serving."""

    def __init__(self, endpoints: "DatabricksServing") -> None:
        self.endpoints = endpoints
        self.client = endpoints.client
        self.rules = replace(
            endpoints.rules,
            name_length=LONGEST_NAME - len(BESIDE),
            splits_traffic=False,
            # The one that answers, the one beside it, and the one that takes the latter's place.
            served_versions=3,
            known_environment=variables.KNOWN - OF_SERVING,
            capital_names=False,
            fixed_environment=SET_HERE,
            overrides_config=True,
            declares_resources=False,
            first_takes_all=False,
            pythons=("3.11",),
            usual_seconds=300.0,
        )

    def of(self, target: Target) -> Serving:
        return self if target is Target.APP else self.endpoints

    def trouble(self, workspace: "Workspace") -> Message | None:
        return None

    def refuses(self, workspace: "Workspace", kind: Kind) -> tuple[Message, Message] | None:
        if kind is not Kind.RESPONSES:
            found = Message(
                "An app serves agents of the kind ResponsesAgent only; this one is a {kind}.", kind=kind.value
            )
            return found, Message(
                "Convert it on the Agents screen, or choose another way of serving under Environments."
            )
        if self.client.access.auth_type == access.PAT:
            return Message("Apps of a workspace answer nobody who signs in with a personal access token, as the console does."), HOW_TO_SIGN_IN  # fmt: skip
        return None

    def deploy(
        self, workspace: "Workspace", endpoint: str, version: int, model_id: str, model_config: Mapping[str, Any]
    ) -> None:
        """Into the app beside the one that answers."""
        with translated(Message("Deploying version {version} to {endpoint}", version=version, endpoint=endpoint)):
            now = self.endpoint(workspace, endpoint)
            stands = now.version(version) if now else None
            if stands is not None and stands.state not in (ServedState.FAILED, ServedState.STOPPED):
                return
            made = self._source(workspace, version, model_config)
            folder = source.write(self.client, endpoint, version, made)
            changing.run(workspace, self.client, endpoint + BESIDE, folder, made.resources)

    def endpoint(self, workspace: "Workspace", endpoint: str) -> Endpoint | None:
        with translated(Message("Reading the app {name}", name=endpoint)):
            live, beside = (changing.found(self.client, name) for name in (endpoint, endpoint + BESIDE))
            versions = [*self._beside(workspace, beside), *self._live(workspace, live)]
        shown = live or beside
        if shown is None:
            return None
        answering = {one.version for one in versions if one.weight}
        kept = tuple(one for one in versions if one.weight or one.version not in answering)
        return Endpoint(endpoint, _address(shown), kept, links.app(self.client.access, endpoint))

    def ask(
        self,
        workspace: "Workspace",
        endpoint: str,
        request: Mapping[str, Any],
        version: int | None = None,
        timeout: float = 120,
    ) -> Answer:
        return asking.ask(workspace, self.client, self._at(workspace, endpoint, version), request, timeout)

    def stream(self, workspace: "Workspace", endpoint: str, request: Mapping[str, Any]) -> Iterator[Delta]:
        return asking.stream(self.client, self._at(workspace, endpoint, None), request)

    def shift(self, workspace: "Workspace", endpoint: str, weights: Mapping[int, int]) -> None:
        """Let the app that answers run another version; it answers nobody for some seconds meanwhile.

        Returns when it answers with it. What stood beside is stopped: it would cost as much as the one that answers.
        """
        traffic.movable(endpoint, self.endpoint(workspace, endpoint), weights)
        version = next(version for version, share in weights.items() if share)
        if weights[version] != 100:
            raise NotReadyError(
                Message(
                    "An app answers with one version alone: {endpoint} cannot share its traffic.", endpoint=endpoint
                ),
                Message("Give one version all of the traffic."),
            )
        with translated(Message("Moving the traffic of {endpoint}", endpoint=endpoint)):
            live, folder = changing.quiet(self.client, endpoint), source.folder(self.client, endpoint, version)
            if live is None or _version(live) != version:
                beside = changing.found(self.client, endpoint + BESIDE)
                resources = tuple(beside.resources or ()) if beside else ()
                changing.run(workspace, self.client, endpoint, folder, resources)
            changing.settled(self.client, endpoint, folder)
            self._rest(endpoint, version)

    def copy_questions(self, workspace: "Workspace", endpoint: str, version: int, percent: int) -> None:
        traffic.refuse_copies(percent)

    def retire(self, workspace: "Workspace", endpoint: str, version: int) -> None:
        with translated(Message("Taking version {version} off {endpoint}", version=version, endpoint=endpoint)):
            live = changing.found(self.client, endpoint)
            if live is not None and _version(live) == version:
                raise ConflictError(
                    Message("Version {version} still takes {weight} % of the traffic.", version=version, weight=100),
                    Message("Move the traffic to another version first."),
                )
            self._rest(endpoint, version)

    def dismantle(self, workspace: "Workspace", endpoint: str) -> None:
        """Raises ConflictError where an app of that name is none of the console's."""
        with translated(Message("Taking the endpoint {endpoint} away", endpoint=endpoint)):
            for name in (endpoint, endpoint + BESIDE):
                changing.remove(workspace, self.client, name)
            source.remove(self.client, endpoint)

    def _source(self, workspace: "Workspace", version: int, config: Mapping[str, Any]) -> source.Source:
        model = agents.registered_name(workspace)
        id = self.endpoints.model_id(workspace, model, version)
        told = {name: value for name, value in variables.of(workspace, self.client).items() if name not in OF_SERVING}
        # An app has a principal of its own as well, and the libraries refuse to choose between two.
        way = "pat" if "DATABRICKS_TOKEN" in told else "oauth-m2m"
        told |= {"DATABRICKS_AUTH_TYPE": way, "MLFLOW_ACTIVE_MODEL_ID": id}
        packages = requirements.of(workspace.settings.tracking_uri, id)
        return source.of(f"models:/{model}/{version}", config, packages, told)

    def _live(self, workspace: "Workspace", app: App | None) -> list[Served]:
        version = _version(app) if app else None
        if app is None or version is None or app.active_deployment is None:
            return []
        stands, why = changing.state(app, app.active_deployment)
        return [Served(version, self._model_id(workspace, version), 100, stands, why)]

    def _beside(self, workspace: "Workspace", app: App | None) -> list[Served]:
        """What was deployed there last, unless it is at rest."""
        deployment = changing.newest(self.client, app.name) if app else None
        version = source.version_of(deployment.source_code_path) if deployment else None
        if app is None or deployment is None or version is None:
            return []
        stands, why = changing.state(app, deployment)
        rests = stands is ServedState.STOPPED
        return [] if rests else [Served(version, self._model_id(workspace, version), 0, stands, why)]

    def _model_id(self, workspace: "Workspace", version: int) -> str:
        return self.endpoints.model_id(workspace, agents.registered_name(workspace), version)

    def _rest(self, endpoint: str, version: int) -> None:
        """Stop the app beside when it runs that version."""
        beside = changing.found(self.client, endpoint + BESIDE)
        last = changing.newest(self.client, endpoint + BESIDE) if beside else None
        if beside is None or last is None or source.version_of(last.source_code_path) != version:
            return
        if changing.state(beside, last)[0] is not ServedState.STOPPED:
            changing.stop(self.client, endpoint + BESIDE)

    def _at(self, workspace: "Workspace", endpoint: str, version: int | None) -> Address:
        """Where that version is asked, without one where everybody asks."""
        with translated(Message("Asking {endpoint}", endpoint=endpoint)):
            app = changing.found(self.client, endpoint)
            if version is not None and (app is None or _version(app) != version):
                app = changing.found(self.client, endpoint + BESIDE)
                last = changing.newest(self.client, endpoint + BESIDE) if app else None
                app = app if last and source.version_of(last.source_code_path) == version else None
        if app is None:
            raise NotFoundError(
                Message("Nothing is deployed at {endpoint}.", endpoint=endpoint),
                Message("Release an agent version first."),
            )
        return Address(endpoint, _address(app), headers={"x-mlflow-return-trace-id": "true"})


def _version(app: App) -> int | None:
    """The agent version that answers there."""
    return source.version_of(app.active_deployment.source_code_path) if app.active_deployment else None


def _address(app: App) -> str:
    return f"{app.url}/invocations"
