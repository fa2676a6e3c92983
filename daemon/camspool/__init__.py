"""camspool: drop a request file, get the MP4."""

__version__ = "0.1.0"
