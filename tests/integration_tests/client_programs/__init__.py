"""Programs as users write them, run by the interpreter of the client's own environment. Each prints what it got as JSON.

They read OPENAI_BASE_URL and OPENAI_API_KEY, as their libraries do by themselves, and take the routing mode and the question.
"""
