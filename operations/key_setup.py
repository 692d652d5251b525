"""Brings an environment's virtual key into the state it should have: kept if it works, minted or replaced if not."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

from operations.litellm_admin import KeyBlockedError, KeyInfo, LiteLLMAdmin, LiteLLMError


class KeySetupError(Exception):
    """A key that must not be touched as asked; the message carries the mend."""


@dataclasses.dataclass(frozen=True)
class Environment:
    name: str
    variable: str
    metadata: str

    @property
    def alias(self) -> str:
        return f"litellm-{self.name}"

    @property
    def retired_alias(self) -> str:
        """What a key is called while its successor is being handed over; it keeps working until then."""
        return f"{self.alias}-replaced"


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("dev", "LITELLM_API_KEY", "development"),
        Environment("test", "LITELLM_TEST_KEY", "test"),
        Environment("eval", "LITELLM_EVAL_KEY", "evaluation"),
        # A production .env knows one key only, under the name that the API is given it by.
        Environment("prod", "LITELLM_API_KEY", "production"),
    )
}


@dataclasses.dataclass(frozen=True)
class KeySetup:
    """``hand_over(variable, key)`` must have stored or shown the key when it returns: its predecessor is deleted next.

    ``writes`` says whether handing over replaces what the .env holds.
    """

    admin: LiteLLMAdmin
    values: Mapping[str, str]
    models: Sequence[str]
    hand_over: Callable[[str, str], None]
    say: Callable[[str], None]
    rotate: bool = False
    writes: bool = False

    def run(self, environment: Environment) -> None:
        """Raises KeySetupError, LiteLLMError."""
        current = self.values.get(environment.variable, "").strip()
        own = self._known(environment, current)
        if own and own.alias not in (environment.alias, environment.retired_alias):
            self._refuse_foreign(environment, own)
            own = None
        if own and own.alias == environment.retired_alias:
            self._undo_interrupted(environment, own)
        if own and not self.rotate:
            self._keep(environment, current, own)
        else:
            self._mint(environment)

    def _known(self, environment: Environment, current: str) -> KeyInfo | None:
        # Anything else cannot be a key of LiteLLM's, nor always be sent in a header.
        if not re.fullmatch(r"sk-[!-~]+", current):
            return None
        try:
            return self.admin.own_info(current)
        except KeyBlockedError:
            if self.rotate:
                return None
            raise KeySetupError(
                f"{environment.variable} holds a key that is blocked in LiteLLM. Unblock {environment.alias} in its "
                "dashboard, or replace it with --rotate"
            ) from None

    def _refuse_foreign(self, environment: Environment, own: KeyInfo) -> None:
        """A working key of something else is never overwritten, nor taken as a sign that this environment's is lost."""
        described = (
            f"{environment.variable} holds a working key of {own.alias or 'no alias'}, not of {environment.alias}."
        )
        file = f".env.{environment.name}"
        if self.writes:
            raise KeySetupError(f"{described} Give {environment.alias} a file of its own: --env-file {file}")
        if self.admin.find(environment.alias) and not self.rotate:
            raise KeySetupError(
                f"{described} {environment.alias} exists already: name the file that holds its key "
                f"(--env-file {file}), or replace that key with --rotate"
            )

    def _undo_interrupted(self, environment: Environment, own: KeyInfo) -> None:
        """An earlier run ended between minting a successor and handing it over: nobody has that successor."""
        self.admin.delete(environment.alias)
        self.admin.rename(own.token, environment.alias)
        self.say(f"{environment.alias}: an earlier replacement was interrupted; the key in use has its name back")

    def _keep(self, environment: Environment, current: str, own: KeyInfo) -> None:
        if set(own.models) == set(self.models):
            self.say(f"{environment.alias}: kept, {environment.variable} works")
        else:
            self.admin.set_models(own.token, self.models)
            self.say(
                f"{environment.alias}: kept, its models are now the configuration's ({_difference(own, self.models)})"
            )
        self.hand_over(environment.variable, current)

    def _mint(self, environment: Environment) -> None:
        old = self.admin.find(environment.alias)
        if old:
            self.admin.delete(environment.retired_alias)
            self.admin.rename(old.token, environment.retired_alias)
        self.hand_over(environment.variable, self._generate(environment, old))
        if old:
            self.admin.delete(environment.retired_alias)
        why = "as asked; the old key is deleted" if self.rotate else "its key was lost; whoever used it needs this one"
        self.say(f"{environment.alias}: " + (f"replaced, {why}" if old else "minted"))

    def _generate(self, environment: Environment, old: KeyInfo | None) -> str:
        try:
            return self.admin.generate(environment.alias, self.models, environment.metadata)
        except LiteLLMError as error:
            raise LiteLLMError(f"{error}. {self._state_after_failure(environment, old)}") from error

    def _state_after_failure(self, environment: Environment, old: KeyInfo | None) -> str:
        if not old:
            return f"No key of {environment.alias} exists yet; run this again"
        try:
            self.admin.rename(old.token, environment.alias)
        except LiteLLMError:
            return f"The old key still works, under the alias {environment.retired_alias}; run this again"
        return f"Nothing was changed: the old key of {environment.alias} still works"


def _difference(own: KeyInfo, models: Sequence[str]) -> str:
    added = [f"+{model}" for model in models if model not in own.models]
    removed = [f"-{model}" for model in own.models if model not in models]
    return ", ".join(added + removed)
