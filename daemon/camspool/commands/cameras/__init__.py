"""`camspool cameras`: asks the API, in one call, which cameras the token may see.

The answer is remembered for the completion of `--camera`, which asks no server. Completion must be instant,
so importing this package loads nothing: `command` is the command, `remembered` serves the completion.
"""
