"""Reports of pipeline studies: which architectures predictors pick, and how good these are.

``results`` checks and sums up, ``tables`` and ``figures`` show, ``writer`` puts a folder together.
"""
