"""What every call and span of a request says of it."""

from api.context import ANONYMOUS, Caller, Permission, RequestContext


def test_what_is_not_known_is_not_said() -> None:
    known = {"routing_path": "passthrough", "caller": "c", "end_user": "c"}
    assert RequestContext(Caller("c")).metadata == known


def test_session_agents_and_memory_user_are_said() -> None:
    context = RequestContext(Caller("c"), "s", agent_id="a", parent_agent_id="p", memory_user="m")
    said = {"session_id": "s", "agent_id": "a", "parent_agent_id": "p", "memory_user": "m"}
    assert context.metadata.items() >= said.items()


def test_whoever_needs_no_token_may_see_tools_and_set_no_memory_user() -> None:
    assert ANONYMOUS.allowed == {Permission.TOOLS}
