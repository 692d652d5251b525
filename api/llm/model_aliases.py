"""Names that clients ask for by themselves → models that there are: `config/model_aliases.yaml`."""

import re
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from api import config_file
from api.config import is_done_without

SETTING: Final = "MODEL_ALIASES_PATH"
_MENDS: Final = {
    "aliases": "a map from the name that is asked for to the model that answers; `aliases: {}` means that there are none",
    "extra_forbidden": "aliases",
}
_DATED: Final = re.compile(r"-(?:20\d{6}|latest)$|@\d{8}$")
_Name = Annotated[str, Field(min_length=1, max_length=256)]


class _Aliases(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    aliases: dict[_Name, _Name]


class ModelAliases:
    """What a name stands for, by name."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._aliases = dict(aliases)

    def may_replace(self, name: str) -> bool:
        """Could another model answer for this name? Where not, nobody has to know which models there are."""
        return any(candidate != name for candidate in self._candidates(name))

    def of(self, name: str, listed: Container[str]) -> str:
        """The model that answers for this name: itself where it is listed, or where nothing that it may stand for is."""
        if name in listed:
            return name
        return next((found for found in self._candidates(name) if found in listed), name)

    def _candidates(self, name: str) -> Iterator[str]:
        bare = _DATED.sub("", name)
        yield from (self._aliases[known] for known in (name, bare) if known in self._aliases)
        yield bare


def load_aliases(path: Path) -> ModelAliases:
    """The aliases of the file.

    Raises:
        ConfigFileError: it cannot be read, or says something else.
    """
    if is_done_without(path):
        return ModelAliases({})
    return ModelAliases(config_file.validated(config_file.read(path, SETTING), _Aliases, _MENDS).aliases)
