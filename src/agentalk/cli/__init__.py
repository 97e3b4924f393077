"""The roof: parse what was asked, do it through the floors below, say what came of it."""

from agentalk.cli.app import main

__all__ = ["main"]
