"""Asks a model of which nobody knows what it will say, with Anthropic's SDK; prints the forms of its answers as JSON.

The model's name is the argument; where the API is, and a token for it, the SDK reads from the environment.
"""

import json
import sys

from anthropic import Anthropic  # type: ignore[import-not-found, unused-ignore]

MODEL = sys.argv[1]
ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "Tell me a long story."}]}
TOOL = {"name": "look_up", "description": "Looks a word up.", "input_schema": {"type": "object", "properties": {}}}


def main() -> None:
    client = Anthropic(max_retries=0)
    message = client.messages.create(max_tokens=16, system="Be brief.", **ASKED)
    with client.messages.stream(max_tokens=16, **ASKED) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    with_tools = client.messages.create(max_tokens=16, tools=[TOOL], **ASKED)
    answers = [message, streamed, with_tools]
    told = {
        "types": [answer.type for answer in answers],
        "ends": [answer.stop_reason for answer in answers],
        "output_tokens": [answer.usage.output_tokens for answer in answers],
        "kinds": [sorted({block.type for block in answer.content}) for answer in answers],
        "same_text": text == "".join(block.text for block in streamed.content if block.type == "text"),
        "counted": client.messages.count_tokens(**ASKED).input_tokens,
    }
    print(json.dumps(told))


main()
