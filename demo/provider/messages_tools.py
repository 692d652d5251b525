"""The tools of a request to Anthropic's messages API, and which of them it wants used."""

import re
from typing import Any

from demo.provider.errors import ProviderError
from demo.provider.messages_fields import of_type
from demo.provider.prompt import Prompt, ToolSpec

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
NAME_RULE = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
# Anthropic's own tools, whose version stands at the end of their type: accepted, and never used.
OWN_TOOL = re.compile(
    r"(?:web_search|web_fetch|bash|text_editor|computer|code_execution|memory|tool_search_tool_regex|tool_search_tool_bm25"
    r"|advisor|browser_toolset|computer_toolset)_\d{8}|tool_search_tool_(?:regex|bm25)|mcp_toolset"
)
# OpenAI's name of each of Anthropic's choices, but for `tool`, which names one.
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def tools_of(body: dict[str, Any]) -> list[ToolSpec]:
    """The client's tools. Raises ProviderError."""
    tools: list[ToolSpec] = []
    for place, tool in enumerate(body.get("tools") or []):
        kind = of_type(tool, dict, f"tools.{place}").get("type") or "custom"
        if kind == "custom":
            tools.append(_custom(tool, f"tools.{place}.custom"))
        elif not OWN_TOOL.fullmatch(str(kind)):
            what = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
            raise ProviderError(f"tools.{place}: {what}")
    names = [tool.name for tool in tools]
    if len(set(names)) < len(names):
        raise ProviderError("tools: Tool names must be unique.")
    return tools


def read_tool_choice(body: dict[str, Any], prompt: Prompt) -> None:
    choice = body.get("tool_choice") or {"type": "auto"}
    kind = choice.get("type")
    if kind != "tool" and not (isinstance(kind, str) and kind in CHOICES):
        what = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        raise ProviderError(f"tool_choice: {what}: 'auto', 'any', 'tool', 'none'")
    prompt.parallel_tool_calls = not choice.get("disable_parallel_tool_use")
    if kind != "tool":
        prompt.tool_choice = CHOICES[kind]
    elif not choice.get("name"):
        raise ProviderError("tool_choice.tool.name: Field required")
    else:
        prompt.tool_choice = str(choice["name"])
    if kind == "tool" and prompt.tool_choice not in {tool.name for tool in prompt.tools}:
        raise ProviderError(f"Tool '{prompt.tool_choice}' not found in provided tools")
    if kind == "any" and not body.get("tools"):
        raise ProviderError("tool_choice may only be specified while providing tools.")


def _custom(tool: dict[str, Any], name: str) -> ToolSpec:
    if not tool.get("name"):
        raise ProviderError(f"{name}.name: Field required")
    if not NAME.fullmatch(of_type(tool["name"], str, f"{name}.name")):
        raise ProviderError(f"{name}.name: {NAME_RULE}")
    if tool.get("input_schema") is None:
        raise ProviderError(f"{name}.input_schema: Field required")
    schema = of_type(tool["input_schema"], dict, f"{name}.input_schema")
    if schema.get("type") != "object":
        what = "Field required" if "type" not in schema else "Input should be 'object'"
        raise ProviderError(f"{name}.input_schema.type: {what}")
    return ToolSpec(tool["name"], tool.get("description") or "", schema)
