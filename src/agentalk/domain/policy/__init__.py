"""Policy: who may be called, when and how often, and why not. All of it is pure."""
