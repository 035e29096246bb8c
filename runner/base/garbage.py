"""Garbage collection: keeps full collections, which block the event loop, short and rare."""

import gc


def spare_collections() -> None:
    """Keep full garbage collections, which block the event loop, short and rare.

    litellm's objects are left out (half a million, 100 ms); those of a batch's runs take 50 ms.
    """
    if gc.get_freeze_count() == 0:  # once in a process
        gc.collect()
        gc.freeze()
    gc.set_threshold(2_000, 20, 100)  # the young, too, as most objects here are in no cycle
