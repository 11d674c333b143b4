"""Data sets from the user's disk: images, and sequences with labels.

Images are those of CIFAR-10 and CIFAR-100, IDX files and ``.npz`` archives. Each reader turns files
into :class:`~surrobench.training.datasets.raw.RawSplits`;
:mod:`~surrobench.training.datasets.division` makes three splits that do not overlap out of them.
Sequences are FASTA files with a table of labels, :mod:`~surrobench.training.datasets.fasta`.
"""
