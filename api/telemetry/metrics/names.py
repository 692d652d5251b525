"""Names that others choose, as attributes: each is a series for the life of the process, so there may not be many."""

SERVICE_NAME = "reasoning-agent-api"
MOST_NAMES = 100
LONGEST_NAME = 100
OTHER = "other"


class KnownNames:
    """The first MOST_NAMES that were learnt; any other is OTHER."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learnt(self, name: str) -> str:
        """The name, which from now on is a known one if there is room for it."""
        if len(self._known) < MOST_NAMES and len(name) <= LONGEST_NAME:
            self._known.add(name)
        return self.known(name)

    def known(self, name: str) -> str:
        """The name if it is known."""
        return name if name in self._known else OTHER
