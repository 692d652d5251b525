"""What the API adds to a call: `make bench`. Everything that is compared is measured in turn, in the same run.

load.py        requests, one after the other or side by side, and how long they took
latency.py     the API over calling LiteLLM directly
chunks.py      CPU per streamed chunk
reasoning.py   what a reasoning step costs beyond its call and its tool
report.py      tables, and the machine they come from
"""
