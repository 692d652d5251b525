"""How the reasoning and its answer are told, a file a dialect.

writer.py   what every one of them does
chat.py     chunks and completions, as OpenAI's chat clients read them
"""
