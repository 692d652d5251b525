"""What a memory service in front of a model is told of a call, and what of its words a caller gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from api.context import RequestContext
from api.llm.provider_cookies import ProviderCookies
from api.llm.upstream_headers import cookies_of_the_provider, of_the_provider
from api.memory import MemoryRouting

# LiteLLM sends what stands in this field on as headers, on every path and to every kind of deployment, beside the deployment's own
# `extra_headers`, in which the service's key stands; a field of that name would take their place.
HEADERS: Final = "headers"


@dataclass(frozen=True, slots=True)
class MemoryService:
    """The service of those models that have one; for all others, nothing is told and nothing comes back."""

    routing: MemoryRouting
    _cookies: ProviderCookies = field(default_factory=ProviderCookies)

    def told(self, body: dict[str, Any], context: RequestContext) -> dict[str, Any]:
        """The body of a call, with whose memory it is about where its model has one, and with nobody else's name."""
        if not self.routing.enabled:
            return body
        headers = self.headers(str(body.get("model")), context)
        body = self.routing.without_other_users(body)
        return {**body, HEADERS: {**body.get(HEADERS, {}), **headers}} if headers else body

    def headers(self, model: str, context: RequestContext) -> dict[str, str]:
        """Whose memory the call is about, in which session it is made, and what the provider knows that user by: if by nothing,
        this says so, or LiteLLM would send what it knows another one by."""
        if not self.routing.serves(model):
            return {}
        user = context.memory_user
        cookie = self._cookies.header(model, user) if user is not None else ""
        return {**self.routing.upstream_headers(user, context.session_id, model), "cookie": cookie}

    def answered(self, model: str, context: RequestContext, headers: Mapping[str, str]) -> dict[str, str]:
        """Those of the service's own headers that a caller is to get; `headers` are those of LiteLLM's answer."""
        if context.memory_user is not None and self.routing.serves(model):
            for cookie in cookies_of_the_provider(headers):
                self._cookies.learn(model, context.memory_user, cookie)
        return of_the_provider(headers, self.routing.is_answer_header) if self.routing.tells_callers else {}
