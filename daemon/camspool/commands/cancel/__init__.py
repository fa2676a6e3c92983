"""`camspool cancel`: deletes request files from drop/, which cancels the requests. It needs no daemon."""
