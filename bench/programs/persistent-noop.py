# A persistent job program that does nothing: it answers each payload line with a successful result.
import os
import sys

result = int(os.environ["RESQUE_RESULT_FD"])
for _ in sys.stdin.buffer:
    os.write(result, b'{"ok":true}\n')
