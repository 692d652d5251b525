"""The house as drawn: imports point downward, each room has one door, and there is one door to an LLM."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
API = ROOT / "api"
MODULES = sorted(API.rglob("*.py"))

# Each floor may import from the floors below it. The rooms of one floor do not know each other.
FLOORS = [
    {"__main__"},
    {"workers"},
    {"main", "loading"},
    {"routes"},
    {"dependencies"},
    {"edge", "routing", "passthrough", "reasoning"},
    {"llm", "tools", "runs"},
    {"telemetry", "callers", "memory"},
    {"dialects"},
    {"config", "sse", "session_ids", "field_bounds"},
    {"context", "errors", "side_calls"},
    {
        "components",
        "protocol",
        "redaction",
        "error_words",
        "prompt_file",
        "config_file",
        "garbage_collection",
        "colleagues",
    },
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# A dialect is a room of its own: none knows another.
DOORS = sorted(
    {".".join(folder.relative_to(ROOT).parts) for folder in API.iterdir() if (folder / "__init__.py").exists()}
    - {"api.dialects"}
    | {f"api.dialects.{folder.name}" for folder in (API / "dialects").iterdir() if (folder / "__init__.py").exists()}
)
# What stands beside the API, and what each may know of the others; of the API, how to collect garbage safely.
BESIDE = {"demo": set[str](), "local_stack": {"api"}, "operations": {"local_stack"}}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def _modules(path: Path) -> set[str]:
    """What the file imports, as `package.module.name`."""
    return {name for node in _nodes(path) for name in _imported(node)}


def _imports(path: Path) -> set[str]:
    """The rooms of `from api.x import y`, `from api import x` and `import api.x`."""
    return {_room(module) for module in _modules(path) if module.startswith("api.")}


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module), level=0):
            return [f"{module}.{alias.name}" for alias in node.names]
        case ast.ImportFrom():
            raise AssertionError(f"Line {node.lineno} imports relatively: say api.room, so that its floor is seen.")
    return []


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _door(module: str) -> str | None:
    return next((door for door in DOORS if module == door or module.startswith(f"{door}.")), None)


def _past_doors(path: Path, own: str | None) -> set[str]:
    """The modules of other rooms than `own` that the file imports from by another name than their room's."""
    froms = {node.module for node in _nodes(path) if isinstance(node, ast.ImportFrom) and node.module}
    plain = {alias.name for node in _nodes(path) if isinstance(node, ast.Import) for alias in node.names}
    return {module for module in froms | plain if (door := _door(module)) and door not in (own, module)}


@pytest.mark.parametrize(
    "line", ["from api.config import Settings", "from api import config", "import api.config", "import api.config as c"]
)
def test_every_form_of_import_is_seen(tmp_path: Path, line: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"def late() -> None:\n    {line}\n")
    assert _imports(module) == {"config"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(API)))
def test_imports_point_downward(path: Path) -> None:
    room = path.relative_to(API).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    assert {imported for imported in _imports(path) - {room} if LEVEL[imported] <= LEVEL[room]} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(API)))
def test_a_room_is_entered_by_its_door(path: Path) -> None:
    assert _past_doors(path, _door(_name(path))) == set()


@pytest.mark.parametrize("line", ["from api.llm.gateway import LLMGateway", "import api.llm.gateway"])
def test_a_way_past_a_door_is_seen(tmp_path: Path, line: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"{line}\nfrom api.llm import LLMGateway\n")
    assert _past_doors(module, "api.routing") == {"api.llm.gateway"}
    assert _past_doors(module, "api.llm") == set()


def test_a_door_names_what_others_may_use() -> None:
    doors = [ROOT.joinpath(*door.split("."), "__init__.py") for door in DOORS]
    assert [door for door in doors if "__all__ = [" not in door.read_text()] == []


@pytest.mark.parametrize("dialect", [door for door in DOORS if door.startswith("api.dialects.")])
def test_no_dialect_knows_another(dialect: str) -> None:
    files = ROOT.joinpath(*dialect.split(".")).rglob("*.py")
    known = {module for path in files for module in _modules(path) if module.startswith("api.dialects.")}
    assert {module for module in known if not module.startswith(f"{dialect}.")} == set()


@pytest.mark.parametrize("folder", ["api", *BESIDE])
def test_what_stands_beside_the_api_forms_no_circle(folder: str) -> None:
    known = {module.partition(".")[0] for path in (ROOT / folder).rglob("*.py") for module in _modules(path)}
    assert known & {"api", *BESIDE} - {folder} == BESIDE.get(folder, set())


def test_llms_are_called_in_the_gateway_alone() -> None:
    """What lookups.py posts, LiteLLM counts itself."""
    calls = re.compile(r"chat\.completions|responses\.create|embeddings\.create|client\.(post|send)\(")
    assert {path.name for path in MODULES if calls.search(path.read_text())} == {"gateway.py", "lookups.py"}


def test_the_paths_of_litellm_are_written_once() -> None:
    paths = re.compile(r"\"/(chat/completions|completions|embeddings|responses|messages)\"")
    writers = {path.name for path in MODULES if paths.search(path.read_text()) and "routes" not in path.parts}
    assert writers == {"endpoints.py"}


def test_the_openai_client_is_known_to_the_door_alone() -> None:
    importers = {path.name for path in MODULES if re.search(r"import .*AsyncOpenAI", path.read_text())}
    assert importers == {"litellm_client.py", "lookups.py"}


def test_bytes_are_posted_by_the_client_alone() -> None:
    assert {path.name for path in MODULES if "transport.post(" in path.read_text()} == {"litellm_client.py"}


def test_the_openai_client_is_taken_from_the_container_by_nobody_else() -> None:
    names = {"openai_client", "_openai_client"}
    readers = {
        path.name
        for path in MODULES
        for node in _nodes(path)
        if (isinstance(node, ast.Attribute) and node.attr in names)
        # As getattr() would name it.
        or (isinstance(node, ast.Constant) and node.value in names)
    }
    assert readers == {"dependencies.py"}


def test_openai_clients_are_made_in_the_container_alone() -> None:
    makers = {
        path.name
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.Call)
        and re.fullmatch(r"(\w+\.)*((Async)?(Azure)?OpenAI|LiteLLMClient)", ast.unparse(node.func))
    }
    assert makers == {"dependencies.py"}


def test_the_environment_is_read_in_config_alone() -> None:
    readers = {path.name for path in MODULES if re.search(r"os\.environ|getenv|BaseSettings", path.read_text())}
    assert readers == {"config.py"}


def test_functions_and_modules_stay_small() -> None:
    long_modules = {path.name for path in MODULES if len(path.read_text().splitlines()) > 300}
    functions = [
        (path.name, node.name)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno > 60
    ]
    assert (long_modules, functions) == (set(), [])
