"""The names of fields that the LiteLLM of this interpreter reads from a request, as JSON: `{"body": {name: [where]}, …}`.

To be run by LiteLLM's own Python, in which this project's packages are not installed. Three kinds of sources: LiteLLM's lists
of its own parameters, what the functions on a request's way take by name, and what their code reads from a request's mapping.
"""

import ast
import importlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

# Module and attribute: LiteLLM's own lists.
LISTS = (
    ("litellm.types.utils", "all_litellm_params"),
    ("litellm.proxy.auth.auth_utils", "_BANNED_REQUEST_BODY_PARAMS"),
    ("litellm.proxy.litellm_pre_call_utils", "_UNTRUSTED_ROOT_CONTROL_FIELDS"),
    ("litellm.proxy.litellm_pre_call_utils", "_CLIENT_PRICING_CONTROL_FIELDS"),
    ("litellm.proxy.route_llm_request", "GATED_MOCK_PARAM_NAMES"),
    ("litellm.types.router", "GenericLiteLLMParams"),
    ("litellm.types.router", "LiteLLM_Params"),
    ("litellm.types.router", "CredentialLiteLLMParams"),
)
METADATA_LISTS = (
    ("litellm.proxy.litellm_pre_call_utils", "_UNTRUSTED_METADATA_CONTROL_FIELDS"),
    ("litellm.proxy.litellm_pre_call_utils", "LITELLM_TRACE_CONTROL_METADATA_FIELDS"),
    ("litellm.proxy.litellm_pre_call_utils", "_ROUTER_RESERVED_METADATA_FIELDS"),
    ("litellm.proxy.auth.auth_utils", "_BANNED_REQUEST_BODY_PARAMS"),
)
# Where a request passes, in the package's folder.
WAY = (
    *("main.py", "utils.py", "router.py", "router_utils", "router_strategy", "responses", "litellm_core_utils", "caching"),
    *("completion_extras", "anthropic_interface", "integrations"),
    *("llms/base_llm", "llms/custom_httpx", "llms/openai", "llms/azure", "llms/anthropic", "llms/openrouter"),
    *("proxy/auth", "proxy/common_utils", "proxy/guardrails", "proxy/hooks", "proxy/policy_engine", "proxy/spend_tracking"),
    *("proxy/anthropic_endpoints", "proxy/response_api_endpoints", "proxy/common_request_processing.py"),
    *("proxy/litellm_pre_call_utils.py", "proxy/proxy_server.py", "proxy/route_llm_request.py", "proxy/utils.py"),
)  # fmt: skip
# What other paths than ours pass, and mappings there that only share a name with a request's.
ASIDE = re.compile(
    r"/(?:audio_transcription|batches|containers|evals|files|fine_tuning|image_edit|image_generation|ocr|realtime|search|skills"
    r"|text_to_speech|vector_store_files|vector_stores|videos|guardrail_hooks)/"
    r"|prompt_manager|integrations/(?:focus|weave|weights_biases)|handle_jwt|skills_endpoints|litellm_skills"
)
OF_OTHER_PATHS = re.compile(
    r"assistant|batch|container|eval|file|fine_tun|image|input_items|interaction|moderation|ocr|realtime|rerank|run|search|skill"
    r"|speech|thread|transcription|vector_store|video"
)
CALLED_WITH_A_BODY = ("main.py", "utils.py", "router.py", "router_utils", "responses")
# What the mappings are called that hold a request's fields, its metadata and its response_format.
HOLDERS = {
    "body": re.compile(
        r"data|\w*kwargs|request|request_data|request_body|body|extra_body"
        r"|(?:\w+_)?optional_params|litellm_params|non_default_params|passed_params|special_params"
    ),
    "metadata": re.compile(r"\w*metadata"),
    "response_format": re.compile(r"_?response_format"),
}
Found = dict[str, dict[str, set[str]]]


def main() -> None:
    found: Found = {kind: defaultdict(set) for kind in HOLDERS}
    for kind, lists in (("body", LISTS), ("metadata", METADATA_LISTS)):
        for module, attribute in lists:
            for name in _listed(module, attribute):
                found[kind][name].add(attribute)
    root = _root()
    for file in _files(root):
        _read(file, str(file.relative_to(root)), found)
    json.dump(
        {kind: {name: sorted(where) for name, where in names.items()} for kind, names in found.items()}, sys.stdout
    )


def _root() -> Path:
    spec = find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _listed(module: str, attribute: str) -> list[str]:
    value = getattr(importlib.import_module(module), attribute)
    return list(getattr(value, "model_fields", value))


def _files(root: Path) -> list[Path]:
    places = [root / place for place in WAY]
    assert all(place.exists() for place in places), [str(place) for place in places if not place.exists()]
    files = {file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))}
    return sorted(file for file in files if not ASIDE.search(str(file.relative_to(root))))


def _read(file: Path, where: str, found: Found) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.args.kwarg and where.split("/")[0] in CALLED_WITH_A_BODY and not OF_OTHER_PATHS.search(node.name):
                for name in _arguments(node.args):
                    found["body"][name].add(f"{where}: {node.name}()")
        elif (pair := _looked_up(node)) is not None:
            holder, name = pair
            for kind, pattern in HOLDERS.items():
                if pattern.fullmatch(holder):
                    found[kind][name].add(where)


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    """A field of a name that is given already, such as `self`, fails the call."""
    rest = (one for one in (arguments.vararg, arguments.kwarg) if one)
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest):
        yield argument.arg


def _looked_up(node: ast.AST) -> tuple[str, str] | None:
    """`holder.get("name")` and its like, `holder["name"]`, `"name" in holder`."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=holder, attr="get" | "pop" | "setdefault"),
            args=[ast.Constant(value=str() as name), *_],
        ):
            return _called(holder), name
        case ast.Subscript(value=holder, slice=ast.Constant(value=str() as name), ctx=ast.Load()):
            return _called(holder), name
        case ast.Compare(left=ast.Constant(value=str() as name), ops=[ast.In() | ast.NotIn()], comparators=[holder]):
            return _called(holder), name
        case _:
            return None


def _called(holder: ast.expr) -> str:
    """`a` of `a`, `b` of `a.b` and of `a["b"]`; a mapping without a name has none."""
    match holder:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name
        case ast.BoolOp(values=[first, *_]):
            return _called(first)
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str() as name), *_]):
            return name
        case _:
            return ""


if __name__ == "__main__":
    main()
