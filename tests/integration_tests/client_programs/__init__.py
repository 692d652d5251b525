"""Programs as users write them, run by the interpreter of the client's own environment. Each prints what it got as JSON.

They read OPENAI_BASE_URL and OPENAI_API_KEY, or ANTHROPIC_BASE_URL and ANTHROPIC_AUTH_TOKEN, as their libraries do by themselves.
Those of OpenAI's dialect take the routing mode and the question, that of Anthropic's all its questions as JSON.
"""
