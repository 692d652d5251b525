"""Paths and their handlers: read, decide, answer."""

from fastapi import FastAPI

from api.routes import (
    chat,
    docs,
    handed_on,
    health,
    kept_responses,
    memory,
    messages,
    metrics,
    models,
    openapi,
    responses,
    runs,
    tools,
)

__all__ = ["DIRECT", "install"]

# Those that are asked all the time.
DIRECT = [*chat.router.routes, *responses.router.routes, *handed_on.router.routes, *messages.router.routes]


def install(app: FastAPI) -> None:
    """Every path, and what /docs says of it."""
    for room in (
        chat,
        responses,
        handed_on,
        kept_responses,
        runs,
        messages,
        models,
        tools,
        memory,
        health,
        metrics,
        docs,
    ):
        app.include_router(room.router)
    openapi.describe(app)
