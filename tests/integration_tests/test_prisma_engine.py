"""Prisma's WebAssembly engine in place of the native one, on a real PostgreSQL."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local_stack.litellm_database import install_engine
from tests.integration_tests.prisma_engine_support import (
    EngineClient,
    PostgresServer,
    error_code,
    query,
    running_engine,
    wait_until,
)

STATE = Path(__file__).parents[2] / ".stack"
NODE_BIN = STATE / "venvs" / "stack" / "bin"

DATAMODEL = """
datasource client {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

model Person {
  id       String   @id
  name     String   @unique
  age      Int?
  balance  BigInt   @default(0)
  price    Decimal  @default(0)
  score    Float    @default(0)
  active   Boolean  @default(true)
  born     DateTime?
  settings Json     @default("{}")
  extras   Json[]
  tags     String[]
  teamId   String?
  team     Team?    @relation(fields: [teamId], references: [id])
}

model Team {
  id      String   @id
  rules   Json?
  members Person[]
}
"""
TABLES = """
CREATE TABLE "Team" (id TEXT PRIMARY KEY, rules JSONB);
CREATE TABLE "Person" (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, age INT, balance BIGINT NOT NULL DEFAULT 0, price DECIMAL(65,30) NOT NULL
  DEFAULT 0, score DOUBLE PRECISION NOT NULL DEFAULT 0, active BOOLEAN NOT NULL DEFAULT true, born TIMESTAMP(3),
  settings JSONB NOT NULL DEFAULT '{}', extras JSONB[], tags TEXT[],
  "teamId" TEXT REFERENCES "Team" (id) ON UPDATE CASCADE ON DELETE SET NULL);
CREATE UNIQUE INDEX "Person_name_key" ON "Person" (name);
"""

IDLE = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
RUNNING = "SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def engine() -> Path:
    folder = STATE / "prisma-engine"
    install_engine(NODE_BIN, folder)
    return folder


@pytest.fixture(scope="module")
def datamodel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("datamodel") / "schema.prisma"
    path.write_text(DATAMODEL)
    return path


@pytest.fixture(scope="module")
def shared_url(server: PostgresServer) -> str:
    url = server.new_database("shared")
    server.sql(TABLES, "shared")
    return url


@pytest.fixture(scope="module")
def shared_client(engine: Path, datamodel: Path, shared_url: str) -> Iterator[EngineClient]:
    with running_engine(engine, datamodel, shared_url) as (client, _):
        yield client


@pytest.fixture
def client(shared_client: EngineClient, server: PostgresServer) -> EngineClient:
    server.sql('TRUNCATE "Person", "Team"', "shared")
    return shared_client


def create(name: str, more: str = "") -> str:
    return f'mutation createOnePerson(data: {{id: "{name}", name: "{name}", {more}}}) {{ id }}'


def find(name: str, selection: str) -> str:
    return f'query findUniquePerson(where: {{id: "{name}"}}) {{ {selection} }}'


def names(client: EngineClient) -> list[str]:
    return [row["name"] for row in client.run("query findManyPerson(orderBy: {name: asc}) { name }")]


def raw(statement: str, *parameters: Any) -> str:
    kind = "queryRaw" if statement.startswith("SELECT") else "executeRaw"
    return f"mutation {kind}(query: {json.dumps(statement)}, parameters: {json.dumps(json.dumps(parameters))})"


def raw_rows(client: EngineClient, statement: str, *parameters: Any) -> tuple[list[str], list[list[Any]]]:
    """The column types and the rows that a raw query gives."""
    result = client.run(raw(statement, *parameters))
    return result["types"], result["rows"]


# ------------------------------------------------------------------------------------------------ the engine's parts


def test_the_engine_s_own_javascript_tests_pass(engine: Path) -> None:
    done = subprocess.run(
        [engine / "bin" / "node", "--test", "--test-reporter=tap"],
        cwd=engine,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_installing_again_changes_nothing(engine: Path) -> None:
    before = (engine / ".installed").stat().st_mtime_ns
    install_engine(NODE_BIN, engine)
    assert (engine / ".installed").stat().st_mtime_ns == before


def test_the_engine_runs_on_the_real_node_and_says_which_version_it_stands_in_for(engine: Path) -> None:
    shown = subprocess.run(
        [engine / "bin" / "query-engine", "--version"], env={}, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "query-engine 393aa359c9ad4a4bb28630fb5613f9c281cde053\n"


# --------------------------------------------------------------------------------------------------------- the engine


def test_rows_are_created_found_updated_counted_and_deleted(client: EngineClient) -> None:
    client.run(create("ann", "age: 30"))
    client.run(create("bob"))
    client.run('mutation updateOnePerson(where: {id: "ann"}, data: {age: {increment: 1}}) { id }')
    assert client.run(find("ann", "name age active")) == {"name": "ann", "age": 31, "active": True}
    assert client.run(find("nobody", "name")) is None
    assert client.run("query aggregatePerson { _count { _all } }") == {"_count": {"_all": 2}}
    assert client.run('mutation updateManyPerson(where: {name: {not: "x"}}, data: {age: 1}) { count }') == {"count": 2}
    assert client.run('mutation deleteOnePerson(where: {id: "bob"}) { id }') == {"id": "bob"}
    assert names(client) == ["ann"]


def test_an_upsert_creates_and_then_updates(client: EngineClient) -> None:
    upsert = 'upsertOnePerson(where: {id: "a"}, create: {id: "a", name: "a", age: 1}, update: {age: 2}) { age }'
    assert [client.run(f"mutation {upsert}")["age"] for _ in range(2)] == [1, 2]


def test_rows_are_grouped(client: EngineClient) -> None:
    for name, age in (("a", 1), ("b", 1), ("c", 2)):
        client.run(create(name, f"age: {age}"))
    groups = client.run("query groupByPerson(by: [age], orderBy: {age: asc}) { age _count { _all } _sum { age } }")
    assert groups == [
        {"age": 1, "_count": {"_all": 2}, "_sum": {"age": 2}},
        {"age": 2, "_count": {"_all": 1}, "_sum": {"age": 2}},
    ]


def test_relations_are_written_and_read_together(client: EngineClient) -> None:
    client.run(create("ann", 'team: {create: {id: "t", rules: "{\\"max\\": 3}"}}'))
    team = client.run(find("ann", "team { id rules members { id } }"))["team"]
    assert json.loads(team.pop("rules")) == {"max": 3}
    assert team == {"id": "t", "members": [{"id": "ann"}]}
    where = 'where: {team: {is: {rules: {path: ["max"], equals: "3"}}}}'
    assert client.run(f"query findManyPerson({where}) {{ id }}") == [{"id": "ann"}]


def test_big_integers_and_decimals_keep_every_digit(client: EngineClient) -> None:
    client.run(create("ann", 'balance: 9223372036854775807, price: "12345678901234567890.123456789"'))
    assert client.run(find("ann", "balance price")) == {
        "balance": "9223372036854775807",
        "price": "12345678901234567890.123456789",
    }
    assert raw_rows(client, 'SELECT balance FROM "Person"') == (["bigint"], [["9223372036854775807"]])


def test_floats_are_stored_to_the_last_digit_and_read_to_the_sixteenth(
    client: EngineClient, server: PostgresServer
) -> None:
    client.run(create("ann", "score: 4.5e-06"))
    client.run('mutation updateOnePerson(where: {id: "ann"}, data: {score: {increment: 0.1}}) { id }')
    assert float(server.sql('SELECT score FROM "Person"', "shared")) == 4.5e-06 + 0.1
    assert client.run(find("ann", "score")) == {"score": pytest.approx(4.5e-06 + 0.1, rel=1e-15)}


def test_times_are_utc_whatever_the_server_s_time_zone(client: EngineClient, server: PostgresServer) -> None:
    client.run(create("ann", 'born: "2026-03-04T05:06:07.089Z"'))
    assert client.run(find("ann", "born")) == {"born": "2026-03-04T05:06:07.089Z"}
    assert server.sql('SELECT born FROM "Person"', "shared") == "2026-03-04 05:06:07.089"
    types, [[moment]] = raw_rows(client, "SELECT '2026-03-04 05:06:07+00'::timestamptz AS t")
    assert (types, moment) == (["datetime"], "2026-03-04T05:06:07+00:00")


def test_json_columns_take_json_text_and_give_json_text(client: EngineClient, server: PostgresServer) -> None:
    client.run(create("ann", 'settings: "{\\"a\\": [1, \\"x\\"]}", extras: {set: ["1", "{\\"b\\": null}"]}'))
    found = client.run(find("ann", "settings extras"))
    assert json.loads(found["settings"]) == {"a": [1, "x"]}
    assert [json.loads(extra) for extra in found["extras"]] == [1, {"b": None}]
    assert server.sql("""SELECT settings -> 'a' ->> 1 FROM "Person\"""", "shared") == "x"


def test_rows_are_found_by_what_their_json_holds(client: EngineClient) -> None:
    client.run(create("ann", 'settings: "{\\"plan\\": \\"gold\\"}"'))
    client.run(create("bob", 'settings: "{\\"plan\\": \\"iron\\"}"'))
    where = 'where: {settings: {path: ["plan"], equals: "\\"gold\\""}}'
    assert client.run(f"query findManyPerson({where}) {{ name }}") == [{"name": "ann"}]


def test_arrays_are_stored_extended_and_searched(client: EngineClient) -> None:
    client.run(create("ann", 'tags: ["a", "b,\\"c"]'))
    client.run('mutation updateOnePerson(where: {id: "ann"}, data: {tags: {push: ["d"]}}) { id }')
    assert client.run('query findManyPerson(where: {tags: {has: "d"}}) { tags }') == [{"tags": ["a", 'b,"c', "d"]}]


def test_raw_queries_take_parameters_and_give_typed_rows(client: EngineClient) -> None:
    types, rows = raw_rows(client, "SELECT $1::int AS a, $2::text AS b, $3::text AS c", 7, "x'y", None)
    assert (types, rows) == (["int", "string", "string"], [[7, "x'y", None]])


def test_raw_statements_give_the_number_of_rows_they_changed(client: EngineClient) -> None:
    client.run(create("ann"))
    client.run(create("bob"))
    assert client.run(raw('UPDATE "Person" SET age = $1', 5)) == 2


def test_raw_queries_read_types_that_prisma_s_adapter_refuses(client: EngineClient) -> None:
    columns = "'n'::name, '1 day'::interval, ARRAY['a','b']::name[], '1 2'::int2vector, pg_sleep(0)"
    _, [row] = raw_rows(client, f"SELECT {columns}")
    assert row == ["n", "1 day", ["a", "b"], "1 2", ""]


def test_a_duplicate_is_a_unique_violation(client: EngineClient) -> None:
    client.run(create("ann"))
    body = client.post("/", query('mutation createOnePerson(data: {id: "other", name: "ann"}) { id }'))
    assert error_code(body) == "P2002"
    assert body["errors"][0]["user_facing_error"]["meta"]["target"] == ["name"]


def test_errors_carry_the_codes_that_prisma_client_py_tells_apart(client: EngineClient) -> None:
    assert client.error_code(create("ann", 'team: {connect: {id: "none"}}')) == "P2025"
    assert client.error_code('mutation deleteOnePerson(where: {id: "none"}) { id }') == "P2025"
    assert client.error_code(create("ann", 'teamId: "none"')) in {"P2003", "P2009"}
    assert client.error_code("query findManyNothing { id }") == "P2009"
    assert client.error_code("query findManyPerson(where: {nothing: 1}) { id }") == "P2009"
    assert client.error_code(raw("SELECT * FROM nothing")) == "P2010"


def test_a_request_that_is_not_json_is_answered_with_an_error_and_not_the_end(client: EngineClient) -> None:
    answer = client._http.post("/", content=b"{")
    assert error_code(answer.json()) == "P2009"
    assert client.is_ready()


def test_a_committed_transaction_is_seen_by_others_only_then(client: EngineClient) -> None:
    transaction = client.begin()
    client.run(create("ann"), transaction)
    assert names(client) == []
    assert client.run("query findManyPerson { name }", transaction) == [{"name": "ann"}]
    client.end(transaction, "commit")
    assert names(client) == ["ann"]


def test_a_rolled_back_transaction_leaves_nothing(client: EngineClient) -> None:
    transaction = client.begin()
    client.run(create("ann"), transaction)
    client.end(transaction, "rollback")
    assert names(client) == []
    assert client.error_code(create("bob"), transaction) == "P2028"


def test_a_transaction_that_is_not_ended_in_time_is_rolled_back(client: EngineClient, server: PostgresServer) -> None:
    transaction = client.begin(timeout_ms=200)
    client.run(create("ann"), transaction)
    wait_until(lambda: server.sql(IDLE) == "0", "the transaction is closed")
    assert error_code(client.end(transaction, "commit")) == "P2028"
    assert names(client) == []


def test_a_batch_is_one_transaction(client: EngineClient) -> None:
    good = {"batch": [query(create("ann")), query(create("bob"))], "transaction": True}
    assert [one["data"]["result"]["id"] for one in client.post("/", good)["batchResult"]] == ["ann", "bob"]
    bad = {"batch": [query(create("cid")), query(create("ann"))], "transaction": True}
    assert error_code(client.post("/", bad)) == "P2002"
    assert names(client) == ["ann", "bob"]


def test_requests_in_parallel_each_get_their_own_answer(client: EngineClient) -> None:
    statements = [f"SELECT {number} AS n, pg_sleep(0.01)" for number in range(40)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda statement: raw_rows(client, statement)[1][0][0], statements))
    assert answers == list(range(40))


# -------------------------------------------------------------------------------- values that cannot be stored

HUGE = "9" * 400
# The codes at which LiteLLM takes a row out of its batch and writes the others: none of PostgreSQL's own, and these two.
ISOLATED = {"None", "P2007", "P2008"}


def in_json(text: str) -> str:
    return f"settings: {json.dumps(text)}"


UNSTORABLE = {
    "a number of 400 digits in JSON": in_json(f'{{"a": [{HUGE}]}}'),
    "a float beyond 64 bits in JSON": in_json("1e400"),
    "NaN in JSON": in_json('{"a": NaN}'),
    "Infinity in JSON": in_json("[-Infinity]"),
    "half of a surrogate pair in JSON": in_json('"\\ud800"'),
    "half of a surrogate pair in a name of JSON": in_json('{"\\udc00": 1}'),
    "128 levels of JSON": in_json("[" * 128 + "]" * 128),
    "100,000 levels of JSON": in_json("[" * 100_000 + "]" * 100_000),
    "JSON that is none": in_json("{"),
    "JSON that is empty": in_json(""),
    "an integer of 400 digits": f"age: {HUGE}",
    "an integer beyond the column": "age: 3000000000",
    "a big integer of 20 digits": f"balance: {'9' * 20}",
    "a float beyond 64 bits": "score: -1e400",
    "NaN for a float": "score: NaN",
    "a decimal beyond the column": f'price: "{HUGE}"',
    "a word for a decimal": 'price: "much"',
    "a word for a time": 'born: "yesterday"',
    "half of a surrogate pair in a string": 'tags: ["\\ud800"]',
    "200 levels of lists": f"tags: {'[' * 200}{']' * 200}",
    "100,000 levels of lists": f"tags: {'[' * 100_000}{']' * 100_000}",
}


def create_many(*rows: str) -> str:
    named = ", ".join(f'{{id: "{number}", name: "{number}", {more}}}' for number, more in enumerate(rows))
    return f"mutation createManyPerson(data: [{named}], skipDuplicates: true) {{ count }}"


def refused_code(body: dict[str, Any]) -> str:
    return str(body["errors"][0]["user_facing_error"].get("error_code"))


@pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
def test_a_value_that_cannot_be_stored_is_an_error_that_litellm_isolates(
    client: EngineClient, server: PostgresServer, value: str
) -> None:
    assert refused_code(client.post("/", query(create_many("", value, "")))) in ISOLATED
    assert client.run(create_many("age: 1", "age: 2")) == {"count": 2}
    assert server.sql(IDLE) == "0"


def test_a_nul_is_stored_as_a_replacement_so_that_nothing_is_lost_with_it(client: EngineClient) -> None:
    rows = [r'tags: ["a\u0000b"]', in_json(r'{"\u0000": "\u0000"}'), ""]
    assert client.run(create_many(*rows)) == {"count": 3}
    assert client.run(find("0", "tags")) == {"tags": ["a\ufffdb"]}
    assert json.loads(client.run(find("1", "settings"))["settings"]) == {"\ufffd": "\ufffd"}
    named = (
        r'mutation executeRaw(query: "UPDATE \"Person\" SET name = $1 WHERE id = \"2\"", parameters: "[\"x\\u0000\"]")'
    )
    assert client.run(named.replace(r"id = \"2\"", "id = '2'")) == 1
    assert client.run(find("2", "name")) == {"name": "x\ufffd"}


def test_a_field_that_does_not_exist_is_no_fault_of_a_value(client: EngineClient) -> None:
    assert client.error_code(create_many("nothing: 1")) == "P2009"


@pytest.mark.parametrize("text", ["[" * 127 + "]" * 127, f'"{"x" * 20_000_000}"', "1e300"], ids=["deep", "long", "big"])
def test_json_is_stored_up_to_the_engines_limits(client: EngineClient, text: str) -> None:
    assert client.run(create_many(in_json(text))) == {"count": 1}


@pytest.mark.parametrize("parameters", [f"[{HUGE}]", "[NaN]", "[", "{}", '["\\ud800"]', f"{'[' * 5000}"])
def test_parameters_that_cannot_be_read_are_an_error(client: EngineClient, parameters: str) -> None:
    call = f"mutation queryRaw(query: {json.dumps('SELECT $1::text AS a')}, parameters: {json.dumps(parameters)})"
    assert "errors" in client.post("/", query(call))
    assert raw_rows(client, "SELECT 1 AS a")[1] == [[1]]


@pytest.mark.parametrize(
    "content", [b"5", b"null", b"[]", b"{}", b'{"query": 5}', b'{"batch": [5]}', b'{"query": "\xff"}']
)
def test_a_body_that_is_no_request_is_an_error(client: EngineClient, content: bytes) -> None:
    assert "errors" in client._http.post("/", content=content).json()
    assert client.is_ready()


# ------------------------------------------------------------------------------------------------ the engine's life


def test_an_engine_that_trapped_is_replaced_and_who_waited_for_it_is_told(
    client: EngineClient, server: PostgresServer
) -> None:
    transaction = client.begin()
    client.run(create("ann"), transaction)
    # Of all that a client can send, this is known to trap: it never sends an identifier that was not given to it.
    assert refused_code(client.post("/transaction/none/commit")) == "P2007"
    assert names(client) == []
    assert client.run(create("bob")) == {"id": "bob"}
    wait_until(lambda: server.sql(IDLE) == "0", "the lost transaction is closed")


def test_calls_that_were_under_way_when_the_engine_trapped_may_be_made_again(client: EngineClient) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.post, "/", query(raw("SELECT pg_sleep(60)")))
        wait_until(lambda: "pg_sleep(60)" in str(raw_rows(client, RUNNING)), "the slow call is under way")
        client.post("/transaction/none/commit")
        assert error_code(slow.result(10)) == "P1001"
    assert names(client) == []


def test_a_connection_lost_inside_a_transaction_ends_that_transaction_only(
    client: EngineClient, server: PostgresServer
) -> None:
    transaction = client.begin()
    client.run(create("ann"), transaction)
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
    assert "errors" in client.post("/", query(create("bob")), transaction)
    client.end(transaction, "rollback")
    client.run(create("cid"))
    assert names(client) == ["cid"]


def test_the_engine_comes_back_when_postgresql_does(client: EngineClient, server: PostgresServer) -> None:
    client.run(create("ann"))
    server.stop()
    assert client.error_code("query findManyPerson { name }") == "P1001"
    server.start()
    assert names(client) == ["ann"]


def test_sigterm_ends_the_engine_within_a_second_and_its_connections_with_it(
    engine: Path, datamodel: Path, shared_url: str, server: PostgresServer
) -> None:
    connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stopped-engine'"
    with running_engine(engine, datamodel, f"{shared_url}?application_name=stopped-engine") as (client, process):
        client.begin()
        assert int(server.sql(connections)) >= 1
        started = time.monotonic()
        process.terminate()
        assert process.wait(5) == 0
        assert time.monotonic() - started < 1
        wait_until(lambda: server.sql(connections) == "0", "no connection is left", seconds=2)


def test_an_engine_whose_client_was_killed_ends_by_itself(
    engine: Path, datamodel: Path, shared_url: str, server: PostgresServer
) -> None:
    connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orphan'"
    env = {"DATABASE_URL": f"{shared_url}?application_name=orphan", "PRISMA_DML_PATH": str(datamodel)}
    # The shell is the client: it starts the engine, waits for it to be connected, and is gone.
    script = f"{engine}/bin/query-engine -p 0 & echo $!; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], env=env, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        wait_until(lambda: server.sql(connections) != "0", "the engine is connected")
        parent.kill()
        try:
            wait_until(lambda: not Path(f"/proc/{orphan}").exists(), "the engine has ended", seconds=5)
        finally:
            with suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
    assert server.sql(connections) == "0"


def test_an_unreachable_database_is_named_and_ends_the_start(engine: Path, datamodel: Path) -> None:
    env = {"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/d", "PRISMA_DML_PATH": str(datamodel)}
    command = [str(engine / "bin" / "query-engine"), "-p", "0"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 1
    report = json.loads(done.stderr)
    assert report["error_code"] == "P1001"
    assert "127.0.0.1:1" in report["message"]
    assert "s3cret" not in done.stderr
