"""Exact Gaussian processes for finite pools: sums of kernels over blocks of columns.

``kernels`` evaluates one block, ``fit`` chooses hyperparameters, ``posterior`` keeps the beliefs
about the whole pool while points are appended, ``session`` does this from step to step, ``recipe``
is the predictor.
"""
