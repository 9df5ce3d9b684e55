#!/usr/bin/env python3
"""Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it and put your own jobs in JOBS."""
import gzip
import json
import os
import shutil
import signal
import sys
from traceback import extract_tb


class EmptyFile(Exception):
    """Failures can be filtered by the name of the exception, so give each kind its own."""


class UnknownClass(Exception):
    pass


class Stopped(BaseException):
    """Not caught by any `except Exception` on its way."""


def compress(*paths):
    for number, path in enumerate(paths, 1):
        print(f"compressing {number} of {len(paths)}: {path}", file=sys.stderr, flush=True)
        if os.path.getsize(path) == 0:
            raise EmptyFile(f"{path} is empty")
        part = f"{path}.gz.part"
        try:
            with open(path, "rb") as source, gzip.open(part, "wb") as target:
                shutil.copyfileobj(source, target)
            os.replace(part, f"{path}.gz")  # Atomic, so the job can run again however this run ended.
        finally:
            if os.path.exists(part):
                os.remove(part)


def delete(*paths):
    for path in paths:
        os.remove(path)


JOBS = {"Compress": compress, "Delete": delete}


def stop(signum, frame):
    raise Stopped("stopped by TERM, nothing half done is left")


try:
    payload = json.load(sys.stdin.buffer)
    signal.signal(signal.SIGTERM, stop)  # Not earlier: before the job there is nothing to clean up.
    if payload["class"] not in JOBS:
        raise UnknownClass(f"this script has no job of class {payload['class']}")
    JOBS[payload["class"]](*payload["args"])
except (Exception, Stopped) as error:
    backtrace = [f"{at.filename}:{at.lineno} in {at.name}" for at in reversed(extract_tb(error.__traceback__))]
    print(json.dumps({"exception": type(error).__name__, "error": str(error), "backtrace": backtrace}), file=sys.stderr)
    sys.exit(143 if isinstance(error, Stopped) else 1)  # 0 would mean that the job is done; 143 is 128 + TERM.
