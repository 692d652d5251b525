"""What clients ask beside a conversation, of the same model and under the same name: titles, tags, suggestions of what to ask next.

Nobody reads such an answer as one to a question, so it is not worth a step of reasoning. They are told by how they are made up:
by what the application's instructions or the last turn begin with. A user who asks for a title is asking a question.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from api.components import Operation

HEAD: Final = 400  # characters that say what a text is for
_NOUN: Final = (
    r"(?:(?:conversation|session|thread|dialogue|discussion)s?|chats?(?: history)?)\b"
    r"(?! (?:app|bot|page|window|room|box|widget|feature|between|with|about|I|we)\b)"
)
_THE: Final = r"\b(?:this|the|our|an?|following|given) (?:\w+ )?"
# `a title for the conversation`, `summarize the session as a title`, `a thread title`
_NAMES_IT: Final = re.compile(
    rf"\btitles?\b[^\n]*?(?:{_THE}{_NOUN}|\bour {_NOUN}|\bfirst message\b)|{_THE}{_NOUN}[^\n]*?\b(?:titles?|a name)\b"
    rf"|\b(?:conversation|chat|session|thread)(?:'s)? titles?\b",
    re.IGNORECASE,
)
_ORDER: Final = re.compile(
    r"\W*(?:you will |your (?:task|job) is to |(?:given|based on)\b[^\n]{0,60}?(?:please |, ))?(?:please )?"
    r"(?:analy[sz]e|come up with|create|generate|give|name|produce|provide|reply with|suggest|summari[sz]e|write)\b"
    r"[^.\n]{0,160}",
    re.IGNORECASE,
)
_GENERATOR: Final = re.compile(
    r"\W*you are an? (?:\w+ ){0,4}titles? ?(?:assistant|generator|maker|writer)\b", re.IGNORECASE
)
# What a person who asks for a title has no need to say.
_ALONE: Final = re.compile(
    r"\bonly\b|\bjust (?:provide|the)\b|without any|omitting|nothing else|no (?:additional|explanation|punctuation|quotes)"
    r"|\b(?:words?|characters?|chars)[ -](?:or[ -]less|max|title)|\d[ -](?:word|character)|max\w* \d+|words or less",
    re.IGNORECASE,
)
# Open WebUI's templates, also those that its administrator has changed: what is wanted as JSON, then the conversation.
_TASK, _HISTORY, _HISTORY_ENDS = "### Task:", "<chat_history>", "</chat_history>"
_WANTED: Final = re.compile(r"\{\s*\"(title|tags|follow_ups|queries|prompt|emoji)\"\s*:")
_TITLE_FORMS: Final = (frozenset({"title"}), frozenset({"title", "language"}))
_ASKED_FOR_A_TITLE: Final = ("Analyze this conversation and provide:\n1. The detected language",)  # LibreChat
_ASKED: Final = (
    "### Task:\nYou are an autocompletion system",  # Open WebUI
    "Your task is to reflect the speaker's likely facial expression through a fitting emoji",  # Open WebUI
    "Summarize the discussion briefly in 200 words or less to use as a prompt for future context",  # NextChat
    "Your task is to create a detailed summary of the conversation so far",  # Claude Code
    "[SUGGESTION MODE:",  # Claude Code
)
_INSTRUCTED: Final = (
    "You are a helpful AI assistant tasked with summarizing conversations",  # Claude Code, opencode
    "Analyze if this message indicates a new conversation topic",  # Claude Code
    "You are a context summarization agent",  # opencode
    "You are the component that summarizes a conversation when its context window is about to overflow",  # Qwen Code
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a request without tools says: its instructions, each by itself, its last turn, and what its answer must hold."""

    instructions: Sequence[str]
    asked: str
    is_alone: bool
    """Is there no other turn?"""
    fields: Collection[str] = frozenset()


def side_call(said: Said) -> Operation | None:
    """What the request is for beside the conversation; None: it is a part of one."""
    begun = said.asked[:HEAD].lstrip()
    if said.is_alone and (task := _task(said.asked, begun)):
        return task
    if any(map(_instructs_a_title, said.instructions)) or _asks_for_a_title(begun) or _has_a_titles_form(said):
        return Operation.TITLE
    if begun.startswith(_ASKED) or any(text.lstrip().startswith(_INSTRUCTED) for text in said.instructions):
        return Operation.SIDE_CALL
    return None


def _task(asked: str, begun: str) -> Operation | None:
    if not asked[-len(_HISTORY_ENDS) - 10 :].rstrip().endswith(_HISTORY_ENDS):
        return None
    before = asked[: asked.find(_HISTORY)]
    wanted = _WANTED.search(before)
    if wanted is None and not begun.startswith(_TASK):
        return None
    is_title = wanted[1] == "title" if wanted else "title" in begun.lower()
    return Operation.TITLE if is_title else Operation.SIDE_CALL


def _instructs_a_title(instructions: str) -> bool:
    head = instructions[:HEAD]
    if _GENERATOR.match(head):
        return _NAMES_IT.search(head) is not None
    return _orders_a_title(head)


def _asks_for_a_title(begun: str) -> bool:
    return begun.startswith(_ASKED_FOR_A_TITLE) or (_orders_a_title(begun) and _ALONE.search(begun) is not None)


def _orders_a_title(head: str) -> bool:
    order = _ORDER.match(head)
    return order is not None and _NAMES_IT.search(order[0]) is not None


def _has_a_titles_form(said: Said) -> bool:
    if said.fields not in _TITLE_FORMS:
        return False
    return any(re.search(_NOUN, text[:HEAD], re.IGNORECASE) for text in (*said.instructions, said.asked))
