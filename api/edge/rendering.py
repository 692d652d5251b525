"""An error as an answer, in the dialect of whoever asked."""

import re
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

from api.dialects import anthropic, openai
from api.edge.headers import headers_of
from api.errors import APIError

# As a client may write the path, since some of what is refused has not been through `PathMiddleware`.
_ANTHROPICS: Final = re.compile("/+v1/+messages(?:/|$)")
_VERSION: Final = b"anthropic-version"


def render(error: APIError, scope: Scope) -> Response:
    """The one place where an error becomes an answer."""
    if speaks_anthropic(scope):
        return anthropic.render(error, scope.get("state", {}).get("request_id"))
    return openai.render(error)


def speaks_anthropic(scope: Scope) -> bool:
    """By the path, which is Anthropic's alone, or by the header that its clients send with every request."""
    return bool(_ANTHROPICS.match(scope["path"])) or _VERSION in headers_of(scope)
