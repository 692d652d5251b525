"""The house as drawn: imports point downward, and there is one door to an LLM."""

import ast
import re
from pathlib import Path

import pytest

API = Path(__file__).parents[3] / "api"
MODULES = sorted(API.rglob("*.py"))

# Each floor may import from the floors below it, and from its own.
FLOORS = [
    {"main", "__main__"},
    {"routes", "exception_handlers"},
    {"dependencies", "disconnect", "streaming", "openapi", "openapi_schemas", "openapi_examples"},
    {"request_router", "passthrough", "reasoning"},
    {"routing_classifier", "model_catalog"},
    {"llm_gateway", "recorder"},
    {"endpoints"},
    {
        "contract",
        "conversation",
        "upstream_errors",
        "attribution",
        "metrics",
        "http_client",
        "own_key",
        "request_body",
        "sse",
        "tools",
        "prompt_file",
        "plain_text",
    },
    {"request_head"},
    {"upstream_headers", "request_id"},
    {"request_context", "tracing"},
    {"auth", "config"},
    {"errors", "protocol", "litellm_fields", "garbage_collection", "logged_errors"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def _imports(path: Path) -> set[str]:
    """The rooms of `from api.x import y`, `from api import x` and `import api.x`."""
    modules = {name for node in _nodes(path) for name in _imported(node)}
    return {_room(module) for module in modules if module.startswith("api.")}


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module), level=0):
            return [f"{module}.{alias.name}" for alias in node.names]
        case ast.ImportFrom():
            raise AssertionError(f"Line {node.lineno} imports relatively: say api.room, so that its floor is seen.")
    return []


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
    assert {imported for imported in _imports(path) if LEVEL[imported] < LEVEL[room]} == set()


def test_llms_are_called_in_the_gateway_alone() -> None:
    calls = re.compile(r"chat\.completions|responses\.create|embeddings\.create|client\.post\(")
    assert {path.name for path in MODULES if calls.search(path.read_text())} == {"llm_gateway.py"}


def test_the_paths_of_litellm_are_written_once() -> None:
    paths = re.compile(r"\"/(chat/completions|completions|embeddings|responses)\"")
    writers = {path.name for path in MODULES if paths.search(path.read_text()) and "routes" not in path.parts}
    assert writers == {"endpoints.py"}


def test_the_openai_client_is_made_once_and_used_in_the_gateway_alone() -> None:
    importers = {path.name for path in MODULES if re.search(r"import .*AsyncOpenAI", path.read_text())}
    assert importers == {"dependencies.py", "llm_gateway.py"}


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
    assert readers <= {"dependencies.py", "llm_gateway.py"}


def test_openai_clients_are_made_in_the_container_alone() -> None:
    makers = {
        path.name
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.Call) and re.fullmatch(r"(\w+\.)*(Async)?(Azure)?OpenAI", ast.unparse(node.func))
    }
    assert makers == {"dependencies.py"}


def test_the_environment_is_read_in_config_alone() -> None:
    readers = {path.name for path in MODULES if re.search(r"os\.environ|getenv|BaseSettings", path.read_text())}
    assert readers == {"config.py"}


def test_functions_and_modules_stay_small() -> None:
    long_modules = {path.name for path in MODULES if len(path.read_text().splitlines()) > 400}
    functions = [
        (path.name, node.name)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno > 60
    ]
    assert (long_modules, functions) == (set(), [])
