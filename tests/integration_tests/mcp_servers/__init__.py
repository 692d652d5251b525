"""The MCP client against the real demo tools server: over sockets and stdio, down, killed, hanging and back again."""
