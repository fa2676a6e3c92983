"""`camspool check`: whether a daemon with this configuration could do its work, on this machine, as its user.

It creates and adopts no folder, keeps no lock and calls nothing on the API that has an effect, so it can be
run before the first start and beside a running daemon. It only writes dot files into the folders, and deletes
them again.
"""
