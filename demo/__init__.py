"""What plays the paid world: a provider for every model, and tools for the agent."""
