"""The back door: signed callbacks of carriers."""

from agentalk.gateway.callbacks import build_router

__all__ = ["build_router"]
