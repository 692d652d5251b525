"""A memory service in front of the model, as Supermemory's router is one: what a user told it, and nobody else's."""

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from demo.provider.agent import question_of
from demo.provider.prompt import Prompt
from demo.provider.usage import prompt_tokens

USER_HEADER, CONVERSATION_HEADER, KEY_HEADER = "x-sm-user-id", "x-sm-conversation-id", "x-supermemory-api-key"
MOST_USERS, MOST_FACTS, LONGEST_FACT = 1_000, 100, 500
STATEMENT = re.compile(
    r"\b(?:please )?remember (?:that )?(?P<told>(?!about\b|of\b|me\b|when\b|to\b|what\b)[^?]+)"
    r"|(?P<said>\b(?:my [\w' -]{1,60}? (?:is|are)|i am called|i live in|i work (?:at|for|as)"
    r"|i (?:really )?(?:like|love|prefer|hate)) [^?]+)",
    re.IGNORECASE,
)
RECALL = re.compile(
    r"\bwhat (?:do|can|did) (?:you|i) (?:still )?(?:remember|know|tell you)(?: about me)?\b|\bwho am i\b|\bdo you remember me\b",
    re.IGNORECASE,
)
ONE_THING = re.compile(
    r"\b(?:what(?:'s|’s| is| are)|tell me|do you (?:know|remember)) my ([\w' -]{1,60}?) *(?:\?|$|\.)", re.IGNORECASE
)


@dataclass
class Memories:
    """The last 1,000 users' last 100 statements; a user is one account's, whose key stands beside the provider's."""

    _facts: OrderedDict[tuple[str, str], list[str]] = field(default_factory=OrderedDict)

    def attend(self, headers: Headers, prompt: Prompt) -> dict[str, str]:
        """Learns what the prompt tells and gives it what its user told before; returns the answer's headers."""
        user = headers.get(USER_HEADER, "").strip()
        if not user:
            return {}
        facts = self._of((headers.get(KEY_HEADER, ""), user))
        before, told = list(facts), stated(question_of(prompt))
        if told and told not in facts:
            facts.append(told)
            del facts[:-MOST_FACTS]
        prompt.memory = list(facts)
        return {
            "x-supermemory-conversation-id": headers.get(CONVERSATION_HEADER) or f"conv_{secrets.token_hex(12)}",
            "x-supermemory-context-modified": "true" if before else "false",
            "x-supermemory-tokens-processed": str(prompt_tokens(prompt)),
            "x-supermemory-chunks-created": "1" if len(facts) > len(before) else "0",
            "x-supermemory-chunks-retrieved": str(len(before)),
        }

    def _of(self, owner: tuple[str, str]) -> list[str]:
        facts = self._facts.setdefault(owner, [])
        self._facts.move_to_end(owner)
        while len(self._facts) > MOST_USERS:
            self._facts.popitem(last=False)
        return facts


def stated(question: str) -> str | None:
    """What the user says of themselves or wants remembered, in one line; None where nothing is stated."""
    found = STATEMENT.search(question)
    if found is None or RECALL.search(question):
        return None
    text = " ".join((found["told"] or found["said"]).split()).rstrip(" .!")
    return text[:LONGEST_FACT] or None


def recalled(prompt: Prompt) -> str | None:
    """The answer from what the user told; None where the question is not about that, or nobody remembers anything."""
    if prompt.memory is None:
        return None
    question = question_of(prompt)
    if (told := stated(question)) is not None:
        return f"I will remember: {told}."
    if RECALL.search(question):
        known = "; ".join(prompt.memory)
        return f"You told me: {known}." if known else "I remember nothing about you."
    asked = ONE_THING.search(question)
    return _one_thing(asked[1].strip(), prompt.memory) if asked else None


def _one_thing(thing: str, facts: list[str]) -> str:
    """The newest statement about it."""
    about = re.compile(rf"\bmy {re.escape(thing)} (?:is|are) (.+)", re.IGNORECASE)
    found = next((found for fact in reversed(facts) if (found := about.search(fact))), None)
    return f"Your {thing} is {found[1]}." if found else f"You never told me your {thing}."
