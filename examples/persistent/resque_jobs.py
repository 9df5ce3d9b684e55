"""Job scripts for resque-runner, in both of its modes: run(handler) calls handler(payload, queue) for each job."""
import json, os, sys
from traceback import extract_tb


def run(handler):
    queue = os.environ.get("RESQUE_QUEUE") or "".join(sys.argv[1:2])
    fd = os.environ.pop("RESQUE_RESULT_FD", None)
    if fd is None:  # "mode": "process", or by hand.
        failure = perform(handler, sys.stdin.buffer.read(), queue)
        sys.exit(failure and f"\n{json.dumps(failure)}")  # sys.exit prints a text to STDERR and exits with 1.
    os.set_inheritable(int(fd), False)  # Programs that a handler starts get neither this ...
    results, jobs = open(int(fd), "w"), open(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # ... nor the next jobs on their STDIN.
    for line in filter(bytes.strip, jobs):
        print(json.dumps(perform(handler, line, queue) or {"ok": True}), file=results, flush=True)


def perform(handler, payload, queue):
    try:
        handler(json.loads(payload), queue)
    except Exception as error:
        message = str(error).encode(errors="replace").decode()  # Anything that isn't UTF-8 becomes "?".
        backtrace = [f"{at.filename}:{at.lineno} in {at.name}" for at in extract_tb(error.__traceback__)]
        return {"exception": type(error).__name__, "error": message, "backtrace": backtrace[::-1]}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
