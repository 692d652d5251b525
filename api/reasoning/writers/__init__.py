"""How the reasoning and its answer are told, a file a dialect.

writer.py   what every one of them does
chat.py     chunks and completions, as OpenAI's chat clients read them
responses.py   responses: response_output.py writes their items, response_answer.py those of the answer
ends.py     how the reasoning ended
messages.py messages and their events, as Anthropic's clients read them
"""
