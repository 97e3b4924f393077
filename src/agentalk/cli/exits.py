"""What the program says with its exit code, and the one error its commands raise."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command; `agentalk --help` lists them."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    UNAUTHENTICATED = 4
    BUG = 70
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused or failed, for the reason given on stderr",
    Exit.USAGE: "wrong usage, or an unusable environment variable",
    Exit.UNREACHABLE: "the server or the database cannot be reached",
    Exit.UNAUTHENTICATED: "no valid token, or one that may not do this",
    Exit.BUG: "a bug in Agentalk",
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
}


class Failure(Exception):
    """A command could not do what it was asked; the message is a sentence that says what to do."""

    def __init__(self, sentence: str, exit: Exit = Exit.REFUSED) -> None:
        super().__init__(sentence)
        self.exit = exit
