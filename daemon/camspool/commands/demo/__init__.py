"""`camspool demo`: a simulated portal, a real daemon, some requests, and the MP4s that arrive.

It looks at the folders only, as a person with the share would; nothing here is used by the daemon.
"""
