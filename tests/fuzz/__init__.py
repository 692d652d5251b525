"""Inputs that nobody would think of, in numbers, against the running API: `make fuzz`. docs/fuzzing.md says how to use it.

__main__.py       the command: which parts, how many inputs, from which seed
http_bytes.py     what to send over a bare socket; sockets.py: sends it
json_text.py      JSON as text, also such as no program would write
json_bodies.py    bodies of all endpoints, and headers; bodies.py: sends them
parsers.py        the properties of the parsers, which are unit tests, with more and other examples
description.py    schemathesis on /openapi.json
exchange.py       one connection: what is sent, what comes back
judge.py          what no answer may be
findings.py       what was found, by kind, each with its smallest input on disk
surroundings.py   the API under test, and what it stands on
bystander.py      somebody who only wants to be answered meanwhile
watch.py          memory, sockets and log of the API's process
drive.py          many inputs, some at a time, with progress; report.py: the table at the end

An input depends on the seed, its part and its number alone, so that any of them can be made again.
"""
