# A persistent job program that does nothing: for each payload, a line of its own, the result says that it is done.
import os
import sys

result = int(os.environ["RESQUE_RESULT_FD"])
for _ in sys.stdin.buffer:
    os.write(result, b'{"ok":true}\n')
