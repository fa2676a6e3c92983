"""camspool: drop a request file, get the MP4."""

__version__ = "0.1.0"

USER_AGENT = f"camspool/{__version__}"
"""How every request over HTTP names its sender."""
