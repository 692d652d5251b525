"""GET /docs, made of files that this server itself has, and GET /, which leads there."""

from functools import cache
from html import escape
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

router = APIRouter(include_in_schema=False)

# Swagger UI sets styles on its elements and draws its icons from data: URLs; scripts come from files alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{up}docs/favicon.png">
<link rel="stylesheet" href="{up}docs/swagger-ui.css">
<script src="{up}docs/swagger-ui-bundle.js" defer></script>
<script src="{up}docs/start.js" defer></script>
</head>
<body>
<div id="swagger-ui" data-description="{up}openapi.json"></div>
<noscript>This page needs JavaScript. What it shows stands in <a href="{up}openapi.json">openapi.json</a>.</noscript>
</body>
</html>
"""
# A token that was entered stays in the page; the request's duration is shown because it is what one asks next.
_START = """const page = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: page.dataset.description,
  domNode: page,
  deepLinking: true,
  displayRequestDuration: true,
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null,
});
"""
_ASSETS = {
    "swagger-ui.css": ("swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript"),
    "favicon.png": ("favicon-32x32.png", "image/png"),
}


@router.get("/")
async def home(request: Request) -> Response:
    """A browser is led to the page, everyone else is told where things are."""
    # Relative, so that it holds behind any proxy.
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("docs", headers={"vary": "Accept"})
    places = {"base_url": "/v1", "docs": "/docs", "openapi": "/openapi.json", "health": "/health"}
    return JSONResponse({"name": request.app.title, **places}, headers={"vary": "Accept"})


@router.get("/docs")
async def page(request: Request) -> Response:
    """The API's description as a page on which it can be tried."""
    # Relative as well; to a browser that asked for `/docs/`, the page stands one folder lower.
    up = "../" if request.scope.get("raw_path", b"").endswith(b"/") else ""
    content = _PAGE.format(title=escape(request.app.title), up=up)
    return Response(content, media_type="text/html", headers=_HEADERS)


@router.get("/docs/start.js")
async def start() -> Response:
    """The page's own script, which its policy does not let stand in the page."""
    return Response(_START, media_type="text/javascript", headers=_HEADERS)


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """A file of Swagger UI's distribution."""
    if name not in _ASSETS:
        raise HTTPException(404)
    file, media_type = _ASSETS[name]
    return Response(_content(file), media_type=media_type, headers={**_HEADERS, "cache-control": "max-age=3600"})


@cache
def _content(file: str) -> bytes:
    return (files("fastapi_swagger.resources") / file).read_bytes()
