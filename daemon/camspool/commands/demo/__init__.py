"""`camspool demo`: a simulated portal, a real daemon, some requests, and the MP4s that arrive.

It looks only at the folders, as a person with access to the share would; the daemon uses nothing from here.
"""
