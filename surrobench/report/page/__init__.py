"""The page of a report: everything in one HTML file that works without a network.

``document`` says what a page is made of and renders it; ``charts``, ``pictures`` and ``grid`` are
what can stand on it; ``contents`` makes these of the exhibits of a report, ``origin`` of what is
known about its runs.
"""
