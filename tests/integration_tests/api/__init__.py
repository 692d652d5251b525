"""The API as a real process over real sockets, with the scripted provider in LiteLLM's place."""
