"""Threads of a process that answers questions."""

from __future__ import annotations

import sys

# A request waits some ten times for Neo4j and Redis, and after each wait for the interpreter, as long as a thread
# that computes keeps it: at the default of 5 ms, ten waits beside one such thread took 22 to 40 ms longer, at this
# 6 to 17.
SWITCH_SECONDS = 0.000_5


def settle_threads() -> None:
    """Have threads that compute hand the interpreter over ten times as early as Python does by itself."""
    sys.setswitchinterval(SWITCH_SECONDS)
