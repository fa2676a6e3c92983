"""The rules: pure functions and values. No I/O, no clock, no asyncio, nothing third-party but pydantic."""
