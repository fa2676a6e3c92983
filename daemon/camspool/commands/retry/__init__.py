"""`camspool retry`: moves request files back from mirror/ to drop/, which is how a request is tried again."""
