"""The page in the mirror: pick a day, see the day, play the moment; what is outstanding, and what failed.

`clips` and `activity` say what is shown, `lanes`, `hours` and `index` hold it, `shelf` keeps their files in
step, `script` says in which form, `posters` makes the pictures, and `page` decides when. What people see is
in `web/`.
"""
