"""The reasoning agent: it plans step by step, uses tools, and answers from what it found.

agent.py            the loop: plan, act, observe, until an end is reached; then the answer
planning.py         one step: asked for, read, repaired once if need be
asking.py           in which form a model is asked, and at what length at most
step_schema.py      the schema of a step; argument_schema.py: that of a tool's arguments within it
client_tools.py     the tools that the client brought; earlier_calls.py: its calls in the history, as steps
handing_over.py     the answer of a turn that ends with calls for the client
messages.py         what was said, as strict chat templates take it
replies.py          where in a reply the step stands; json_objects.py: JSON as models write it
steps.py            ReasoningStep: what a model plans
run.py              one request's own state: what was said and found so far, its limits, its usage
events.py           what a client sees of it while it happens
answer.py           from a request to its answer, plain or streamed
writers/            how both are told, a file a dialect
usage.py            the sum over all calls of a request
prompts.py          prompts/*.md
"""

from api.reasoning.agent import ReasoningAgent
from api.reasoning.answer import answer
from api.reasoning.prompts import load_prompts
from api.reasoning.run import Limits
from api.reasoning.writers.chat import ChatWriter
from api.reasoning.writers.messages import MessageWriter
from api.reasoning.writers.responses import ResponseWriter
from api.reasoning.writers.writer import AnswerWriter

__all__ = [
    "AnswerWriter",
    "ChatWriter",
    "Limits",
    "MessageWriter",
    "ReasoningAgent",
    "ResponseWriter",
    "answer",
    "load_prompts",
]
