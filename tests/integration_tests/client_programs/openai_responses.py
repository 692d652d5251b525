"""The openai SDK's Responses API, whichever line is installed: a plain and a streamed answer after reasoning."""

import json
import sys
from typing import Any

import openai


def main(question: str) -> dict[str, Any]:
    client = openai.OpenAI(default_headers={"X-Routing-Mode": "reasoning"}, max_retries=0)
    plain = client.responses.create(model="gpt-4o-mini", input=question)
    with client.responses.stream(model="gpt-4o-mini", input=question) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_response()
    return {
        "version": openai.__version__,
        "events": events,
        "plain": plain.output_text,
        "streamed": final.output_text,
        "items": [item.type for item in final.output],
        "tokens": [each.usage.total_tokens if each.usage else 0 for each in (plain, final)],
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
