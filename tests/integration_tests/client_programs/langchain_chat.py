"""LangChain's ChatOpenAI: a plain and a streamed answer."""

import json
import sys
from importlib.metadata import version
from typing import Any

from langchain_openai import ChatOpenAI  # type: ignore[import-not-found, unused-ignore]


def main(mode: str, question: str) -> dict[str, Any]:
    model = ChatOpenAI(model="gpt-4o-mini", default_headers={"X-Routing-Mode": mode}, max_retries=0, stream_usage=True)
    plain = model.invoke(question)
    chunks = list(model.stream(question))
    reasons = [chunk.response_metadata.get("finish_reason") for chunk in chunks]
    return {
        "version": version("langchain-openai"),
        "plain": plain.content,
        "plain_tokens": plain.usage_metadata["total_tokens"],
        "streamed": "".join(chunk.content for chunk in chunks),
        "streamed_tokens": sum(chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata),
        "finish_reasons": [reason for reason in reasons if reason],
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
