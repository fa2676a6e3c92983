"""The three steps that carry one clip from its place in the queue to an MP4 in the mirror.

`loop.py` carries a clip from step to step; `listing.py`, `preparing.py` and `downloading.py` are the steps.
A step does its work through the ports and makes events of the outcome; `core/lifecycle.py` says what the
events mean.
"""

from camspool.pipeline.steps.context import StepContext, StepSettings
from camspool.pipeline.steps.loop import LANES, Lane, Workflow

__all__ = ["LANES", "Lane", "StepContext", "StepSettings", "Workflow"]
