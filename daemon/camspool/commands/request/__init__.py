"""`camspool request`: turns a request in a person's words into a file in drop/, and follows it if wanted.

`core/request_parser.py` decides what a valid request is, for the daemon and for this command: nothing is
written that would be rejected.
"""
