"""Grades a class unattended: the student's code runs in a process of its own, the tests in another.

`assignment` reads what is asked, `submissions` what was handed in, `sandbox` runs the student's code,
`marking` compares what it answers, `feedback` and `__main__` write it down. `release` makes the student
versions.
"""
