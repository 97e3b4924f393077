"""The engine: claims what is due, places it, and finds out what became of it."""

from agentalk.dialer.dialer import Dialer, Fenced, WrongClock

__all__ = ["Dialer", "Fenced", "WrongClock"]
