"""The provider that answers when no real one's key is set, and that the tests script.

It speaks OpenAI's and Anthropic's HTTP APIs as their specs say, and has no model behind them.
"""
