"""Token → Caller: those of API_TOKENS, and those of config/callers.yaml as it is now."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import SecretStr

from api.callers.callers_config import Digest, digest, read_callers
from api.config import ConfigurationError, Settings, is_done_without
from api.config_file import ConfigFileError
from api.context import UNNAMED, Caller
from api.errors import Unauthenticated

# Seconds between two looks at the file: a token that is taken out of it is refused after so long at most.
LOOK_EVERY = 1.0
_log = logging.getLogger(__name__)


class Callers:
    """Knows the accepted tokens by their digests.

    A token is looked up by its SHA-256, which costs the same however many there are. The time that takes says nothing of
    the tokens: what would be compared is a digest, and nobody can make one that comes close to another.
    """

    def __init__(
        self,
        path: Path,
        tokens: Iterable[SecretStr] = (),
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tokens` are API_TOKENS, `environ` has what the file names.

        Raises:
            ConfigFileError: the file cannot be used.
        """
        self._path, self._environ, self._clock = path, environ or {}, clock
        self._unnamed = {known: _unnamed(known) for known in (digest(token.get_secret_value()) for token in tokens)}
        self._stamp = _stamp(path)
        self._callers = dict(self._unnamed) if is_done_without(path) else self._read()
        self._look_at = clock() + LOOK_EVERY

    def __len__(self) -> int:
        """How many tokens are accepted."""
        return len(self._callers)

    def authenticate(self, token: str) -> Caller:
        """Whose token it is.

        Raises:
            Unauthenticated: nobody's.
        """
        if self._clock() >= self._look_at:
            self._look_again()
        caller = self._callers.get(digest(token))
        if caller is None:
            raise Unauthenticated("The API key that was sent is not one that this server accepts.")
        return caller

    def _look_again(self) -> None:
        """Reads the file if it is another than before; one that cannot be used changes nothing, and is said so once."""
        self._look_at = self._clock() + LOOK_EVERY
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        # What is written while it is read gives another stamp, and is read the next time.
        self._stamp = stamp
        try:
            self._callers = self._read()
        except ConfigFileError as error:
            _log.error("%s\nThe callers stay those that it named before.", error)
        else:
            _log.info("Read %s again: %d tokens are accepted", self._path, len(self))

    def _read(self) -> dict[Digest, Caller]:
        return self._unnamed | read_callers(self._path, self._environ, self._unnamed.keys())


def open_callers(settings: Settings, environ: Mapping[str, str]) -> Callers | None:
    """Those that the settings let in; None where that is everyone.

    Raises:
        ConfigFileError: the file of callers cannot be used.
        ConfigurationError: there is no token by which anybody could be let in.
    """
    if not settings.require_auth:
        return None
    callers = Callers(settings.callers_config_path, settings.api_tokens, environ)
    if not len(callers):
        raise ConfigurationError(
            "API_TOKENS is empty, so no request could be let in. Set it to one or more comma-separated tokens, give callers "
            f"tokens in {settings.callers_config_path}, or set REQUIRE_AUTH=false to let everyone in."
        )
    return callers


def _unnamed(known: Digest) -> Caller:
    return Caller(f"token-{known.hex()[:12]}", allowed=UNNAMED)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes when the file is written or replaced; None while there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of what Path.stat takes
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
