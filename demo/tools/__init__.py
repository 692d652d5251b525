"""A small MCP server with tools that work offline, for trying the reasoning agent out and for testing it."""
