"""`camspool status`: what is outstanding and how far, what has ended and how; one request in full.

Everything is read from drop/ and mirror/, and nothing is written: it works while no daemon does, and says so.
"""
