"""`make clients_test`: programs that their makers built for Anthropic's API, unchanged, against the API of a real stack.

claude_code.py   Claude Code, as npm has it, in a home and a project of its own
terminal.py      a program in a terminal, used as by hand
packages/        its version, with hashes
"""
