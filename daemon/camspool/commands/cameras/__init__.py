"""`camspool cameras`: which cameras the token may see, asked of the API once and for no longer than a call.

What was seen is remembered for the completion of `--camera`, which asks nobody. Completion must be instant:
importing this package loads nothing, `command` is the command, `remembered` the completion.
"""
