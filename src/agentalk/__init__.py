"""Outbound phone campaigns by AI voice agents, on your own machines."""

__version__ = "0.1.0"
