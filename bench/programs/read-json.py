# The minimal Python job: reads its payload.
import json
import sys

json.load(sys.stdin)
