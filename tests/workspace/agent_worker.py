"""Child process of the "execute" serving mode: loads one packaged agent and answers requests on stdin.

Started by executor.py with nothing but the environment the deployment declared. One JSON object per line in,
one or more JSON objects per line out (on the file descriptor given as argv[2], so prints cannot interfere).
"""

import contextlib
import json
import os
import sys
import traceback


def main() -> None:
    out = os.fdopen(int(sys.argv[2]), "w", buffering=1)

    def send(obj):
        out.write(json.dumps(obj, ensure_ascii=False, default=str) + "\n")
        out.flush()

    try:
        import mlflow

        if os.environ.get("ENABLE_MLFLOW_TRACING", "").lower() != "true":
            mlflow.tracing.disable()
        model = mlflow.pyfunc.load_model(sys.argv[1])
    except BaseException as e:  # noqa: BLE001 - somebody's own agent runs here
        send({"event": "failed", "error": f"{type(e).__name__}: {e}", "traceback": traceback.format_exc()})
        return
    send({"event": "ready"})
    for line in sys.stdin:
        msg = json.loads(line)
        try:
            if msg["stream"]:
                for ev in model.predict_stream(msg["body"]):
                    send({"event": "chunk", "data": ev if isinstance(ev, dict) else ev.model_dump(exclude_none=True)})
                send({"event": "end"})
            else:
                r = model.predict(msg["body"])
                send({"event": "result", "data": r if isinstance(r, dict) else r.model_dump(exclude_none=True)})
        except BaseException as e:  # noqa: BLE001 - somebody's own agent runs here
            send({"event": "error", "error": f"{type(e).__name__}: {e}", "traceback": traceback.format_exc()})
    with contextlib.suppress(Exception):
        mlflow.flush_trace_async_logging()


if __name__ == "__main__":
    main()
