"""What the API costs: `make bench`. Everything that is compared is measured in turn, in the same run.

plain.py       CPU of a plain request, requests a second, and what is added to one
streams.py     CPU of a streamed chunk, time to the first token, waits for acknowledgements
stalls.py      many streams at once
start.py       imports, readiness, memory
side_by_side.py  calls that do not wait for each other
reasoning.py   what a reasoning step costs beyond its call and its tool
litellm.py     before the real LiteLLM: what the API adds to what LiteLLM adds

client.py      a client that costs next to nothing;  load.py: many of its requests, and what servers use meanwhile
servers.py     the servers that are compared;  programs/: those that are not the API;  run.py: one run
report.py      rows, targets and tables;  results.py: as files, and compared;  quiet.py: is the machine quiet enough?

share/         `make bench_litellm`: what changes of how LiteLLM is started gain
gateways.py    `make bench_gateways`: other ways to reach a model;  npm_gateways.py, gateway_packages/: those from npm
plot.py        `make bench_plot`: curves.py over concurrency and the length of streams, drawn
sdk_or_proxy.py  `make sdk_or_proxy`: LiteLLM's SDK in process and the proxy, by trying both
"""
