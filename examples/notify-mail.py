#!/usr/bin/env python3
"""An "onFailure" program: mails each failure to MAIL_TO, through the sendmail of this machine (or SENDMAIL)."""
import json
import os
import subprocess
import sys
from email.message import EmailMessage

queue = sys.argv[1]
# As bytes: JSON is UTF-8 in every locale.
record = json.load(sys.stdin.buffer)
payload = record.get("payload")
job = str(payload.get("class") if isinstance(payload, dict) else None or "a job")


def line(words):
    """A header has one line, whatever a job printed."""
    return " ".join(str(words).split())[:200]


message = EmailMessage()
message["To"] = os.environ["MAIL_TO"]
message["From"] = os.environ.get("MAIL_FROM", "resque-runner")
message["Subject"] = line(f"{job} failed: {record.get('exception')}: {record.get('error')}")
details = [("queue", queue)] + [(name, record.get(name)) for name in ("worker", "failed_at", "exception", "error")]
body = "".join(f"{name}: {value}\n" for name, value in details)
for name in ("backtrace", "stderr", "stdout"):
    value = record.get(name)
    if value:
        body += f"\n{name}:\n" + ("\n".join(map(str, value)) if isinstance(value, list) else str(value)) + "\n"
body += "\npayload:\n" + json.dumps(payload, indent=2, ensure_ascii=False) + "\n"
message.set_content(body)

# -t: to the addresses in the message. -oi: a line with only a dot doesn't end it.
sendmail = os.environ.get("SENDMAIL", "/usr/sbin/sendmail")
# The runner would end this program after 30 s.
subprocess.run([sendmail, "-t", "-oi"], input=message.as_bytes(), check=True, timeout=20)
