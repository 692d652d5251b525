#!/bin/sh
# Mints LiteLLM's virtual keys: `scripts/setup_litellm_keys.sh --help`. Standard output carries NAME=value lines only.
set -eu
cd "$(dirname "$0")/.."
for python in "${PYTHON:-python3}" python3 python; do
  if command -v "$python" >/dev/null 2>&1; then
    exec "$python" local_stack/bootstrap.py stack -- python -m operations.keys "$@"
  fi
done
echo "Python 3.11 or newer is needed and no python3 was found: install it, or name it with PYTHON=/path/to/python3" >&2
exit 1
