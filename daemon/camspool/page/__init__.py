"""The page in the mirror: what is outstanding, the footage as a wall of posters, and what failed.

`rows` says what is told, `script` in which form, `shelf` keeps the finished footage by days, `posters` makes
the pictures, and `page` decides when. `index.html` is all that people see; it reads the data beside it.
"""
