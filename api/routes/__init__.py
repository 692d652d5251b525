"""Paths and their handlers: read, decide, answer."""

from fastapi import FastAPI

from api.routes import chat, handed_on, health, metrics, models, openapi, tools

__all__ = ["install"]


def install(app: FastAPI) -> None:
    """Every path, and what /docs says of it."""
    for router in (chat.router, handed_on.router, models.router, tools.router, health.router, metrics.router):
        app.include_router(router)
    openapi.describe(app)
