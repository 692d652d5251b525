"""LiteLLM's own share: what a change of how it is started gains. `make bench_litellm`

changes.py   what is tried, one at a time, and why
sides.py     LiteLLM with a change and without it, both up at once before one database, Phoenix and provider
measure.py   both asked in turn, call by call, and their clocks
pythons.py   LiteLLM's environment made with another Python
"""
