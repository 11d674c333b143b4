"""Image data sets from the user's disk: CIFAR-10 and CIFAR-100, IDX files and ``.npz`` archives.

Each reader turns files into :class:`~surrobench.training.datasets.raw.RawSplits`;
:mod:`~surrobench.training.datasets.division` makes three splits that do not overlap out of them.
"""
