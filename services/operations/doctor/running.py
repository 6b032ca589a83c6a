"""What runs beside the stores: ports, worker, gateway, the model, and the keys that they need."""

from collections.abc import Mapping

import requests

from services.messages import Message
from services.operations import manifest
from services.operations.doctor.seen import Level, Seen, fine
from services.processes import startup
from services.processes.lock import held, read
from services.settings import Settings

SECONDS = 5.0


def ports(settings: Settings, environ: Mapping[str, str]) -> Seen:
    if held(settings.run_folder / "web.lock"):
        told = read(settings.run_folder / "web.lock").get("url")
        return fine(Message("The console runs at {url}.", url=str(told or settings.url)))
    if not settings.home.exists():
        return fine(Message("They are looked at when the console starts."))
    startup.check(settings)
    return fine(
        Message("{port} and {gateway} are free; the console does not run.",
                port=settings.port, gateway=settings.gateway_port)
    )  # fmt: skip


def processes(settings: Settings, environ: Mapping[str, str]) -> Seen:
    if not held(settings.run_folder / "web.lock"):
        return fine(Message("The console does not run, so they need not either."))
    if not held(settings.run_folder / "worker.lock"):
        return Seen(
            Level.WRONG,
            Message("The worker does not run, so no job is done."),
            Message("It is started again within seconds; if not, read logs/worker.log in the data folder."),
        )
    if settings.databricks is None and not _answers(f"{settings.gateway_url}/health"):
        return Seen(
            Level.WRONG,
            Message("The gateway does not answer, so the endpoints are away."),
            Message("It is started again within seconds; if not, read logs/gateway.log in the data folder."),
        )
    return fine(Message("Both run."))


def model(settings: Settings, environ: Mapping[str, str]) -> Seen:
    """Agents and judges ask the same address."""
    if settings.practice:
        return Seen(
            Level.HINT,
            Message("The practice model answers; it judges only what rules can decide."),
            Message("Set OPENAI_BASE_URL, or OPENAI_API_KEY, to connect a real model."),
        )
    if settings.databricks is not None:
        return fine(Message("The models of the Databricks workspace answer; the screen Connection checks them."))
    address = settings.model_base_url or "https://api.openai.com/v1"
    try:
        answer = requests.get(
            f"{address}/models", headers={"Authorization": f"Bearer {settings.llm_api_key}"}, timeout=SECONDS
        )
    except requests.RequestException as error:
        return Seen(
            Level.WRONG,
            Message("{url} does not answer ({reason}).", url=address, reason=type(error).__name__),
            Message("Check OPENAI_BASE_URL and that the model is running, then try again."),
        )
    if answer.status_code in (401, 403):
        return Seen(Level.WRONG, Message("{url} refused the key.", url=address), Message("Check OPENAI_API_KEY."))
    if not answer.ok:
        return Seen(
            Level.HINT,
            Message("{url} answers, but does not list its models ({status}).", url=address, status=answer.status_code),
            Message("That is usual for some servers: try an agent to be sure."),
        )
    return _named(settings, address, answer)


def _named(settings: Settings, address: str, answer: requests.Response) -> Seen:
    try:
        offered = {str(one["id"]) for one in answer.json()["data"]}
    except (ValueError, KeyError, TypeError):
        return fine(Message("{url} answers.", url=address))
    missing = sorted({settings.model, settings.judge_model} - offered)
    if offered and missing:
        return Seen(
            Level.HINT,
            Message("{url} answers, but does not offer {models}.", url=address, models=", ".join(missing)),
            Message("Check SIGNALBOX_MODEL and SIGNALBOX_JUDGE_MODEL."),
        )
    return fine(Message("{url} answers.", url=address))


def secrets(settings: Settings, environ: Mapping[str, str]) -> Seen:
    """Which are set, by their names alone."""
    there = manifest.keys_of(environ)
    if "SIGNALBOX_METRICS_TOKEN" in there and len(environ["SIGNALBOX_METRICS_TOKEN"]) < 16:
        return Seen(
            Level.HINT,
            Message("SIGNALBOX_METRICS_TOKEN is short enough to be guessed."),
            Message("Set it to at least 16 random letters and digits."),
        )
    if not there:
        return fine(Message("None is set; the practice model needs none."))
    return fine(Message("Set: {names}.", names=", ".join(there)))


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=SECONDS).ok
    except requests.RequestException:
        return False
