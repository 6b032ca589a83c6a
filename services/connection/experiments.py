"""Where the experiments are kept on a workspace, and the app's own."""

from services.connection import privileges
from services.connection.ground import Ground
from services.connection.lines import Light, Line
from services.messages import Message
from services.platforms.databricks import links
from services.platforms.databricks.rest import Refused, Rest


def folder(name: str, ground: Ground) -> Line:
    folder = ground.place.experiments
    if (inside := git_folder(ground.rest, folder)) is not None:
        return Line(
            name,
            Light.RED,
            Message("“{folder}” lies in the Git folder “{inside}”: an experiment there goes with the branch, and the live traces of a served agent get lost.", folder=folder, inside=inside),
            Message("Choose a folder outside of Git folders below, such as /Shared/signalbox."),
        )  # fmt: skip
    try:
        ground.rest.get("2.0/workspace/get-status", path=folder)
    except Refused as error:
        if not error.missing:
            raise
        return Line(name, Light.AMBER, Message("“{folder}” is not there yet.", folder=folder), Message("It is made with the first app."))  # fmt: skip
    return Line(name, Light.GREEN, Message("“{folder}” is there.", folder=folder))


def git_folder(rest: Rest, path: str) -> str | None:
    """The Git folder around `path`; None outside of one."""
    parts = path.removeprefix("/Workspace").strip("/").split("/")
    if parts[0] == "Repos":
        return "/Repos"
    for end in range(len(parts), 1, -1):
        above = "/" + "/".join(parts[:end])
        try:
            if rest.get("2.0/workspace/get-status", path=above).get("object_type") == "REPO":
                return above
        except Refused as error:
            if not error.missing:
                raise
    return None


def experiment(name: str, ground: Ground) -> Line:
    id = ground.experiment_id
    found = ground.rest.get("2.0/mlflow/experiments/get", experiment_id=id)["experiment"]
    link, path = links.experiment(ground.access, id), str(found.get("name", ""))
    if found.get("lifecycle_stage") == "deleted":
        return Line(name, Light.RED, Message("“{name}” is deleted.", name=path), Message("Restore the experiment in MLflow."), link=link)  # fmt: skip
    levels = privileges.levels(ground.rest, ground.me, "experiments", id)
    if levels is None:
        return Line(name, Light.AMBER, Message("“{name}” is there; who may edit it cannot be read.", name=path), Message("If saving is refused, ask its owner for CAN_EDIT."), link=link)  # fmt: skip
    if levels & {"CAN_EDIT", "CAN_MANAGE"}:
        return Line(name, Light.GREEN, Message("“{name}” may be edited.", name=path), link=link)
    return Line(
        name,
        Light.RED,
        Message("“{name}” may be read, not edited.", name=path),
        Message("Ask its owner to give {person} the permission CAN_EDIT on the experiment.", person=ground.me.name),
        link=link,
    )


def monitoring(name: str, ground: Ground) -> Line:
    try:
        ground.rest.get(f"2.0/managed-evals/scheduled-scorers/{ground.experiment_id}")
    except Refused as error:
        if not error.missing:
            raise
        return Line(name, Light.GREEN, Message("It answers; no production scorer is registered yet."))
    return Line(name, Light.GREEN, Message("It answers."))
