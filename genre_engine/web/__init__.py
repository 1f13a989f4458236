"""Files from other servers, for whoever needs one: checked, resumed where they were cut off.

http.py     asking a server for a file or a piece of one, and what may go wrong on the way
fetch.py    a file that takes its name only when it is whole and checked
"""
