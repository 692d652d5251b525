"""The scripting routes: only for tests, only with `--scripted`, only on loopback."""

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.provider.endpoint import Shop, same_paths
from demo.provider.script import Rule


class Control:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def routes(self) -> list[Route]:
        return [
            Route("/_script", self.add_rule, methods=["POST"]),
            Route("/_script", self.clear, methods=["DELETE"]),
            Route("/_requests", self.requests, methods=["GET"]),
            Route("/_connections", self.connections, methods=["GET"]),
        ]

    async def add_rule(self, request: Request) -> Response:
        """A rule with unknown or wrong fields is refused by their names: a typo must not become the ordinary answer."""
        try:
            rule = Rule.model_validate_json(await request.body())
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in error.errors()]
            return JSONResponse({"error": {"message": "; ".join(faults)}}, status_code=400)
        return JSONResponse({"id": self._shop.script.add(rule)})

    async def clear(self, _request: Request) -> Response:
        self._shop.script.clear()
        self._shop.records.clear()
        return Response(status_code=204)

    async def requests(self, request: Request) -> Response:
        query = request.query_params
        path = query.get("path")
        paths = same_paths(path) if path else None
        return JSONResponse(self._shop.records.find(paths, query.get("contains"), with_raw=query.get("raw") == "true"))

    async def connections(self, _request: Request) -> Response:
        counted = self._shop.connections
        return JSONResponse({"accepted": counted.accepted, "open": counted.open})
