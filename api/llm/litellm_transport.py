"""The connections to LiteLLM: one pool, for bytes sent at once and for all else that the OpenAI client sends."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol, cast

import httpx

from api.config import Settings
from api.errors import UpstreamStreamBroken, UpstreamTimeout, UpstreamUnreachable
from api.llm.http_connection import Origin
from api.llm.http_exchange import Exchange, Lost
from api.llm.http_pool import NotConnected, Pool

# Of httpx's headers, those that the connection writes itself.
_OF_THE_CONNECTION: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})
# Addresses that are remembered: more than LiteLLM has paths without an id.
_PATHS: Final = 64


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
        write=settings.http_write_timeout,  # there is none: what cannot be written is an answer that does not come
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
    beyond it are asked to close."""

    def __init__(self, settings: Settings) -> None:
        self._pool = Pool(settings.http_max_connections, settings.http_keepalive_expiry)
        self._connect_within = settings.http_connect_timeout
        self._silence = settings.http_read_timeout
        self._keepalive_limit = settings.http_max_keepalive_connections
        self._under_way = 0
        self._places: dict[tuple[str, str], tuple[Origin, str]] = {}

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        origin, begin = self._places.get((method, url)) or self._place(method, url)
        silence = self._silence if silence is None else min(silence, self._silence)
        keeps = self._under_way < self._keepalive_limit
        head = head_of(begin, headers.items(), len(content), keeps=keeps)
        self._under_way += 1
        try:
            connection = self._pool.idle(origin) or await self._pool.connection(origin, self._connect_within)
            exchange = connection.send(head, content, silence, keeps=keeps)
            await exchange.head()
        except OSError as error:
            self._finished()
            raise (late() if isinstance(error, TimeoutError) else unreachable()) from None
        except BaseException:
            self._finished()
            raise
        return _PooledReply(exchange, self._finished)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = b"".join([part async for part in cast(httpx.AsyncByteStream, request.stream)])
        keeps = self._under_way < self._keepalive_limit
        self._under_way += 1
        try:
            exchange = await self._exchange(request, content, keeps=keeps)
        except BaseException:
            self._finished()
            raise
        stream = _CountedStream(exchange, self._finished)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=stream)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _exchange(self, request: httpx.Request, content: bytes, *, keeps: bool) -> Exchange:
        """As httpx wants it. A question that may be asked twice is, where a connection that was kept turns out to be closed."""
        limits = request.extensions.get("timeout", {})
        silence, within = limits.get("read") or self._silence, limits.get("connect") or self._connect_within
        origin, begin = _place(request.url, request.method)
        headers = [(name, value) for name, value in request.headers.items() if name not in _OF_THE_CONNECTION]
        head = head_of(begin, headers, len(content), keeps=keeps)
        for fresh in (False, True):
            try:
                connection = await self._pool.connection(origin, within, fresh=fresh)
            except NotConnected:
                raise httpx.ConnectTimeout("No connection was made in time.", request=request) from None
            except OSError as error:
                raise httpx.ConnectError(str(error), request=request) from None
            may_be_stale = connection.answered and request.method == "GET"
            try:
                exchange = connection.send(head, content, silence, keeps=keeps, decodes=False)
                await exchange.head()
            except TimeoutError:
                raise httpx.ReadTimeout("No answer came in time.", request=request) from None
            except Lost as error:
                if not may_be_stale:
                    raise httpx.ReadError(str(error), request=request) from None
            else:
                return exchange
        raise httpx.ReadError("The connection was lost.", request=request)

    def _finished(self) -> None:
        self._under_way -= 1

    def _place(self, method: str, url: str) -> tuple[Origin, str]:
        """Worked out once: the paths of LiteLLM are few, but for those that hold an id."""
        place = _place(httpx.URL(url), method)
        return self._places.setdefault((method, url), place) if len(self._places) < _PATHS else place


class _PooledReply:
    def __init__(self, exchange: Exchange, on_close: Callable[[], None]) -> None:
        self.status = exchange.status
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers}
        self._exchange = exchange
        self._on_close: Callable[[], None] | None = on_close

    async def read(self) -> bytes:
        try:
            return await self._exchange.read()
        except TimeoutError:
            raise late() from None
        except OSError:
            raise lost() from None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        try:
            async for block in self._exchange.blocks():
                yield block
        except TimeoutError:
            raise UpstreamStreamBroken("LiteLLM fell silent in the middle of its answer.") from None
        except OSError:
            raise lost() from None

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        self._exchange.close()


class _CountedStream(httpx.AsyncByteStream):
    def __init__(self, exchange: Exchange, on_close: Callable[[], None]) -> None:
        self._exchange = exchange
        self._on_close: Callable[[], None] | None = on_close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for block in self._exchange.blocks():
                yield block
        except TimeoutError:
            raise httpx.ReadTimeout("The answer fell silent.") from None
        except OSError as error:
            raise httpx.ReadError(str(error)) from None

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        self._exchange.close()


def _place(url: httpx.URL, method: str) -> tuple[Origin, str]:
    """Where a request goes, and what it begins with."""
    secure = url.scheme == "https"
    origin = Origin(url.raw_host.decode("ascii"), url.port or (443 if secure else 80), secure)
    return origin, f"{method} {url.raw_path.decode('ascii')} HTTP/1.1\r\nhost: {url.netloc.decode('ascii')}\r\n"


def head_of(begin: str, headers: Iterable[tuple[str, str]], length: int, *, keeps: bool) -> bytes:
    """The head of a request.

    Raises:
        ValueError: a header holds what would end its line.
    """
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    told = "".join(lines)
    if told.count("\n") != len(lines) or told.count("\r") != len(lines) or "\0" in told:
        raise ValueError("A header must not hold the end of a line.")
    close = "" if keeps else "connection: close\r\n"
    return f"{begin}{told}{close}content-length: {length}\r\n\r\n".encode()


def unreachable() -> UpstreamUnreachable:
    """Nobody listens at LLM_BASE_URL."""
    return UpstreamUnreachable("LiteLLM cannot be reached. Is it running, and is LLM_BASE_URL right?")


def late() -> UpstreamTimeout:
    """It listens, and says nothing."""
    return UpstreamTimeout("LiteLLM did not answer within HTTP_READ_TIMEOUT.")


def lost() -> UpstreamStreamBroken:
    """It had begun to answer."""
    return UpstreamStreamBroken("The connection to LiteLLM was lost before the answer was complete.")
