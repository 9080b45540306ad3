"""The garbage collector of a process that lives long."""

from __future__ import annotations

import gc

# An answer or a batch is thousands of objects that reference counting frees; at the default of 700 each would have
# the collector walk them several times. Much higher, and what it does find would take it long. The second
# generation is walked at 40,000 objects, some 10 ms: at 200,000 it held up every task for 40 to 50.
GC_THRESHOLDS = (10_000, 4, 100)


def settle_collector() -> None:
    """Once all is loaded: schema, modules and connections stay, and are not worth walking again.

    Without it a full collection holds up every task of the process: some 0.1 s in the middle of a large merge.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
