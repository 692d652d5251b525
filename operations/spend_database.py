"""LiteLLM's spend log summed where it lies, in its database: seconds where its API, a page at a time, takes minutes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from operations.spend_rows import UnreadableError
from operations.usage_report import Key, Report, Sums, in_order
from operations.usage_tree import Own, Tree, grown

CONNECT_SECONDS = 3
# The role that LiteLLM itself reads and writes by; this only reads. Times in the log are UTC without saying so.
ROLE = DATABASE = "litellm"
# PostgreSQL does not know how long unpacking metadata takes: two processes beside its own halve the time.
PARALLEL = "-c max_parallel_workers_per_gather=2 -c parallel_setup_cost=0 -c parallel_tuple_cost=0"
OPTIONS = f"-c default_transaction_read_only=on -c work_mem=64MB {PARALLEL}"
CALLS = sql.SQL((Path(__file__).parent / "spend_calls.sql").read_text())
SUMS = sql.SQL("""
  count(*), count(*) FILTER (WHERE failed), count(*) FILTER (WHERE cut),
  COALESCE(sum(prompt_tokens), 0)::int8, COALESCE(sum(cache_read_tokens), 0)::int8,
  COALESCE(sum(completion_tokens), 0)::int8, array_agg(cost),
  percentile_disc(0.5) WITHIN GROUP (ORDER BY milliseconds), percentile_disc(0.95) WITHIN GROUP (ORDER BY milliseconds)""")
# The groups, and last the sum of all of them.
BY_GROUP = sql.SQL("""WITH calls AS ({calls}) SELECT {names}, {sums} FROM calls
  GROUP BY GROUPING SETS (({names}), ()) ORDER BY GROUPING({names})""")
# Agents with their parents, sessions, and the sum of all of them, in one pass. COLLATE as Python compares.
BY_AGENT = sql.SQL("""WITH calls AS ({calls}) SELECT session, agent, GROUPING(session, agent),
  min(parent_agent COLLATE "C") FILTER (WHERE parent_agent NOT IN ('(none)', agent)), {sums} FROM calls
  GROUP BY GROUPING SETS ((session, agent), (session), ()) ORDER BY 3 DESC""")
CHARGES = sql.SQL("WITH calls AS ({calls}) SELECT started, component, cost FROM calls")
HOLDS = sql.SQL('SELECT 1 FROM "LiteLLM_SpendLogs" WHERE request_id = %(request_id)s')


class Cost(NamedTuple):
    """A charge of a call."""

    started: datetime
    component: str
    cost: float


class SpendDatabase:
    """Raises UnreadableError from every method."""

    def __init__(self, connection: psycopg.Connection, since: datetime, until: datetime) -> None:
        self._connection = connection
        # LiteLLM's API takes times to the second, and both doors have to lead to the same rows.
        self._window = {
            name: time.astimezone(UTC).replace(microsecond=0, tzinfo=None)
            for name, time in (("since", since), ("until", until))
        }

    def check_holds(self, request_id: str) -> None:
        """That it is the database of the LiteLLM that told of this row, and not of another on the same port."""
        if not self._rows(HOLDS, request_id=request_id):
            raise UnreadableError("it is another LiteLLM's")

    def summed(self, dimensions: Sequence[str]) -> Report:
        names = sql.SQL(", ").join(map(sql.Identifier, dimensions))
        *groups, total = self._rows(BY_GROUP.format(calls=CALLS, names=names, sums=SUMS))
        count = len(dimensions)
        by_key: dict[Key, Sums] = {row[:count]: _sums(row[count:]) for row in groups}
        return Report(dimensions, in_order(by_key), _sums(total[count:]))

    def tree(self) -> Tree:
        total, *rest = self._rows(BY_AGENT.format(calls=CALLS, sums=SUMS))
        sessions = {row[0]: _sums(row[4:]) for row in rest if row[2]}
        agents = {(row[0], row[1]): Own(row[3], _sums(row[4:])) for row in rest if not row[2]}
        return grown(agents, sessions, _sums(total[4:]))

    def charges(self) -> list[Cost]:
        """Each call's, in no order."""
        return [Cost(started.replace(tzinfo=UTC), *rest) for started, *rest in self._rows(CHARGES.format(calls=CALLS))]

    def _rows(self, query: sql.SQL | sql.Composed, **parameters: Any) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor(binary=True) as cursor:
                return cursor.execute(query, {**self._window, **parameters}).fetchall()
        except psycopg.Error as error:
            raise UnreadableError(_in_words(error)) from error


@contextmanager
def opened(port: int, password: str, since: datetime, until: datetime) -> Iterator[SpendDatabase]:
    """The database that the local stack and Docker publish on this machine alone. Raises UnreadableError."""
    if not password:
        raise UnreadableError("LITELLM_POSTGRES_PASSWORD is not set")
    try:
        connection = psycopg.connect(
            host="127.0.0.1",
            port=port,
            user=ROLE,
            dbname=DATABASE,
            password=password,
            connect_timeout=CONNECT_SECONDS,
            options=OPTIONS,
        )
    except psycopg.Error as error:
        raise UnreadableError(_in_words(error)) from error
    with connection:
        yield SpendDatabase(connection, since, until)


def _sums(row: Sequence[Any]) -> Sums:
    """The costs come one by one, so that they are added up as exactly as those of rows."""
    calls, errors, cut, prompt, cached, completion, costs, p50, p95 = row
    return Sums(calls, errors, cut, prompt, cached, completion, math.fsum(costs or ()), p50 or 0.0, p95 or 0.0)


def _in_words(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
