"""`camspool verify`: re-reads the MP4s in the mirror and compares them with their status files.

It only reads and takes no lock: it works beside a running daemon, and for other users than the daemon's.
Part files and temporary files are no footage; the daemon's clean-up deals with them.
"""
