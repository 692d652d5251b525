"""The reasoning agent: it plans step by step, uses tools, and answers from what it found.

agent.py     the loop: plan, act, observe, until an end is reached; then the answer
run.py       one request's own state: what was said and found so far, its limits, its usage
steps.py     ReasoningStep: how it is asked of a model, and read from what the model replied
events.py    what a client sees of it while it happens
answer.py    the answer as OpenAI's clients read it, plain or streamed
usage.py     the sum over all calls of a request
prompts.py   prompts/*.md
"""

from api.reasoning.agent import ReasoningAgent
from api.reasoning.answer import answer
from api.reasoning.prompts import load_prompts
from api.reasoning.run import Limits

__all__ = ["Limits", "ReasoningAgent", "answer", "load_prompts"]
