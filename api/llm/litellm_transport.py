"""The connections to LiteLLM: one pool of aiohttp's, for bytes sent at once and for all else that the OpenAI client sends."""

import io
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from api.config import Settings
from api.errors import APIError, UpstreamStreamBroken, UpstreamTimeout, UpstreamUnreachable

# aiohttp warns of more bytes than these in one piece, and takes a file of them without.
_IN_ONE_PIECE: Final = 2**20
# Addresses that are remembered: more than LiteLLM has paths without an id.
_PATHS: Final = 64
# What it would add by itself is either among the client's own headers or asks for what nobody here wants, such as compression.
_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class Reply(Protocol):
    """An answer of which the head has come. To be read once, and closed, which ends it if it is still under way."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    async def read(self) -> bytes:
        """All of the body. Raises UpstreamTimeout, UpstreamStreamBroken."""
        ...

    def blocks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes. Raises UpstreamStreamBroken."""
        ...

    async def aclose(self) -> None: ...


class LiteLLMTransport(httpx.AsyncBaseTransport):
    """What the client stands on: httpx's requests for the SDK, and `post` for calls that are bytes already."""

    @abstractmethod
    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        """Sends the bytes; returns with the head of the answer, whatever its status. `silence` are the seconds after which an
        answer that says nothing has failed, if that is to be sooner than HTTP_READ_TIMEOUT.

        Raises:
            UpstreamUnreachable: nobody listens there, or the connection was lost before an answer.
            UpstreamTimeout: there was none in time.
        """


def http_client_of(transport: LiteLLMTransport, settings: Settings) -> httpx.AsyncClient:
    """A client that keeps no cookies, since one jar would be shared by all callers, and follows no redirect or proxy variable."""
    timeout = httpx.Timeout(
        connect=settings.http_connect_timeout,
        read=settings.http_read_timeout,
        write=settings.http_write_timeout,  # aiohttp has none: what cannot be written is an answer that does not come
        pool=settings.http_connect_timeout,
    )
    return httpx.AsyncClient(
        transport=transport,
        timeout=timeout,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        trust_env=False,
    )


class PooledTransport(LiteLLMTransport):
    """To be made within the running loop. At most HTTP_MAX_KEEPALIVE_CONNECTIONS connections outlive their request: those
    beyond it are asked to close, as aiohttp has no such limit."""

    def __init__(self, settings: Settings) -> None:
        connector = aiohttp.TCPConnector(
            limit=settings.http_max_connections, keepalive_timeout=settings.http_keepalive_expiry
        )
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=settings.http_connect_timeout,
            sock_connect=settings.http_connect_timeout,
            sock_read=settings.http_read_timeout,
        )
        self._timeout = timeout
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, skip_auto_headers=_NOT_ADDED
        )
        self._httpx = AiohttpTransport(client=self._session)
        self._keepalive_limit = settings.http_max_keepalive_connections
        self._under_way = 0
        self._urls: dict[str, URL] = {}

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        if self._under_way >= self._keepalive_limit:
            headers = {**headers, "connection": "close"}
        data = content if len(content) <= _IN_ONE_PIECE else io.BytesIO(content)
        self._under_way += 1
        try:
            response = await self._session.request(
                method,
                self._url(url),
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout_of(silence),
            )
        except (aiohttp.ClientError, OSError) as error:
            self._finished()
            raise _unanswered(error) from None
        except BaseException:
            self._finished()
            raise
        return _PooledReply(response, self._finished)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._under_way >= self._keepalive_limit:
            request.headers["connection"] = "close"
        self._under_way += 1
        try:
            response = await self._httpx.handle_async_request(request)
        except BaseException:
            self._finished()
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - every async transport answers with one
        response.stream = _CountedStream(response.stream, self._finished)
        return response

    async def aclose(self) -> None:
        await self._session.close()

    def _timeout_of(self, silence: float | None) -> aiohttp.ClientTimeout:
        longest = self._timeout.sock_read
        if silence is None or (longest is not None and longest <= silence):
            return self._timeout
        connect = self._timeout.connect
        return aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=silence)

    def _finished(self) -> None:
        self._under_way -= 1

    def _url(self, url: str) -> URL:
        """Parsed once: the paths of LiteLLM are few, but for those that hold an id."""
        if url in self._urls or len(self._urls) < _PATHS:
            return self._urls.get(url) or self._urls.setdefault(url, URL(url, encoded=True))
        return URL(url, encoded=True)


class _PooledReply:
    def __init__(self, response: aiohttp.ClientResponse, on_close: Callable[[], None]) -> None:
        self.status = response.status
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.raw_headers}
        self._response = response
        self._on_close: Callable[[], None] | None = on_close

    async def read(self) -> bytes:
        try:
            return await self._response.read()
        except TimeoutError:
            raise late() from None
        except (aiohttp.ClientError, OSError):
            raise lost() from None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        read = self._response.content.readany
        try:
            while block := await read():
                yield block
        except TimeoutError:
            raise UpstreamStreamBroken("LiteLLM fell silent in the middle of its answer.") from None
        except (aiohttp.ClientError, OSError):
            raise lost() from None

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        self._response.close()


class _CountedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, on_close: Callable[[], None]) -> None:
        self._stream = stream
        self._on_close: Callable[[], None] | None = on_close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        await self._stream.aclose()


def _unanswered(error: Exception) -> APIError:
    """A connection that is not made in time is not there; one that is made and says nothing is late."""
    silent = isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError)
    return late() if silent else unreachable()


def unreachable() -> UpstreamUnreachable:
    """Nobody listens at LLM_BASE_URL."""
    return UpstreamUnreachable("LiteLLM cannot be reached. Is it running, and is LLM_BASE_URL right?")


def late() -> UpstreamTimeout:
    """It listens, and says nothing."""
    return UpstreamTimeout("LiteLLM did not answer within HTTP_READ_TIMEOUT.")


def lost() -> UpstreamStreamBroken:
    """It had begun to answer."""
    return UpstreamStreamBroken("The connection to LiteLLM was lost before the answer was complete.")
