"""Python's collector of cyclic garbage, in processes that stay."""

import gc


def let_rest() -> None:
    """Have the collector leave alone what is loaded by now, and look less often: there are few cycles to be found.

    By itself it looks through everything several times a minute, while everybody waits (30 to 70 ms), and takes a
    seventh of a busy dialer's processor time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
