"""How often an MCP server is asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a server is asked; all in seconds.

    The time between attempts doubles from the first to the longest. A refused connection costs next to nothing, starting a
    program that fails does not, and a server that is there and says no will hardly say yes a moment later. A session that
    lasted `stable` starts the count anew.
    """

    first_delay: float = 0.1
    longest_delay_http: float = 0.5
    longest_delay_child: float = 10.0
    longest_delay_refused: float = 30.0
    stable: float = 5.0
    ping: float = 1.5
    """With the time to connect anew, an older server is used again within 2 s of its return, however short it was away."""
    rare_ping: float = 30.0
    offered_after_loss: float = 10.0
    """For how long after a loss its tools are still offered."""
    listing: float = 1.0
    """Between two lists of its tools, however often it says that they have changed."""
