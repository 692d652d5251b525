"""The openai SDK, whichever line is installed: a plain and a streamed answer."""

import json
import sys
from typing import Any

import openai


def main(mode: str, question: str) -> dict[str, Any]:
    client = openai.OpenAI(default_headers={"X-Routing-Mode": mode}, max_retries=0)
    plain = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": question}])
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": question}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    return {
        "version": openai.__version__,
        "plain": plain.choices[0].message.content,
        "plain_tokens": plain.usage.total_tokens if plain.usage else 0,
        "streamed": "".join(delta.content or "" for delta in deltas),
        "streamed_tokens": sum(chunk.usage.total_tokens for chunk in chunks if chunk.usage),
        "thinking": "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas),
        "events": [event["type"] for delta in deltas if (event := getattr(delta, "reasoning_event", None))],
        "ids": len({chunk.id for chunk in chunks}),
        "finish_reasons": [
            choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason
        ],
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
