"""Where an object's own page is on the workspace; `?o=` keeps people who have several workspaces on this one."""

from urllib.parse import quote

from services.platforms.databricks.access import Access


def page(access: Access, path: str) -> str:
    """The address of a page such as `ml/experiments/12`."""
    number = f"?o={access.workspace_id}" if access.workspace_id else ""
    return f"{access.host}/{path.lstrip('/')}{number}"


def experiment(access: Access, id: str) -> str:
    return page(access, f"ml/experiments/{quote(id, safe='')}")


def endpoint(access: Access, name: str) -> str:
    return page(access, f"ml/endpoints/{quote(name, safe='')}")


def app(access: Access, name: str) -> str:
    return page(access, f"apps/{quote(name, safe='')}")


def catalog_object(access: Access, full_name: str) -> str:
    """A catalog, a schema, or a table in the Catalog Explorer."""
    return page(access, "explore/data/" + "/".join(quote(part, safe="") for part in full_name.split(".")))


def model(access: Access, full_name: str) -> str:
    """A registered model in the Catalog Explorer."""
    return page(access, "explore/data/models/" + "/".join(quote(part, safe="") for part in full_name.split(".")))


def warehouse(access: Access, id: str) -> str:
    return page(access, f"sql/warehouses/{quote(id, safe='')}")


def job(access: Access, id: int) -> str:
    return page(access, f"jobs/{id}")


def job_run(access: Access, job: int, id: int) -> str:
    return page(access, f"jobs/{job}/runs/{id}")


def review_app(access: Access, id: str) -> str:
    return page(access, f"ml/review-v2/{quote(id, safe='')}")


def labeling_session(access: Access, review_app: str, id: str) -> str:
    """Where people judge the answers of a session."""
    return page(access, f"ml/review-v2/{quote(review_app, safe='')}/tasks/labeling/{quote(id, safe='')}")
