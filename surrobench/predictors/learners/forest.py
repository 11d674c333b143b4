"""A forest as arrays: the nodes of all its trees behind one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from surrobench.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Forest:
    """Binary regression trees; every array but ``roots`` has an entry for each node.

    An input goes to the left child where its feature, in single precision, is at most the
    threshold.

    Attributes:
        roots: the first node of each tree.
        left: position of the left child; -1 at leaves.
        right: position of the right child; -1 at leaves.
        feature: column that is asked about; meaningless at leaves.
        threshold: what it is compared with.
        mean: of the training targets in the node.
        variance: of the training targets in the node.
    """

    roots: IntArray
    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: FloatArray
    mean: FloatArray
    variance: FloatArray

    @classmethod
    def of_trees(cls, trees: Sequence[Any]) -> Forest:
        """From trees of scikit-learn (the ``tree_`` of fitted regressors)."""
        sizes = np.array([tree.node_count for tree in trees])
        roots = np.cumsum(sizes) - sizes
        before = np.repeat(roots, sizes)

        def joined(name: str) -> Any:
            return np.concatenate([getattr(tree, name) for tree in trees])

        left, right = joined("children_left"), joined("children_right")
        return cls(
            roots=roots,
            left=np.where(left < 0, -1, left + before),
            right=np.where(right < 0, -1, right + before),
            feature=joined("feature"),
            threshold=joined("threshold"),
            mean=np.concatenate([tree.value[:, 0, 0] for tree in trees]),
            variance=np.maximum(joined("impurity"), 0.0),
        )

    @property
    def leaves(self) -> BoolArray:
        """Which nodes are leaves."""
        return self.left < 0

    def tree_of_each_node(self) -> IntArray:
        """The number of the tree that each node belongs to."""
        tree = np.empty(len(self.left), dtype=np.intp)
        nodes, owners = self.roots, np.arange(len(self.roots))
        while len(nodes):
            tree[nodes] = owners
            inner = self.left[nodes] >= 0
            nodes, owners = nodes[inner], np.tile(owners[inner], 2)
            nodes = np.concatenate([self.left[nodes], self.right[nodes]])
        return tree

    def trees(self, features: int) -> list[Any]:
        """Trees of scikit-learn that answer alike, for inputs with so many features.

        They are made as unpickling makes them: from an array of nodes and one of values.
        """
        empty = (
            DecisionTreeRegressor(random_state=0).fit(np.zeros((1, features)), np.zeros(1)).tree_
        )
        layout = empty.__getstate__()["nodes"].dtype
        owner = self.tree_of_each_node()
        order = np.argsort(owner, kind="stable")
        first = np.searchsorted(owner[order], np.arange(len(self.roots) + 1))
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.arange(len(order)) - np.repeat(first[:-1], np.diff(first))
        made = []
        for low, high in pairwise(first):
            tree = type(empty)(features, np.ones(1, dtype=np.intp), 1)
            tree.__setstate__(self._state(order[low:high], place, layout))
            made.append(tree)
        return made

    def _state(self, nodes: IntArray, place: IntArray, layout: Any) -> dict[str, Any]:
        """What scikit-learn pickles of the tree with these nodes, the root being the first."""
        leaf = self.left[nodes] < 0
        table = np.zeros(len(nodes), dtype=layout)
        table["left_child"] = np.where(leaf, -1, place[self.left[nodes]])
        table["right_child"] = np.where(leaf, -1, place[self.right[nodes]])
        table["feature"] = np.where(leaf, -2, self.feature[nodes])
        table["threshold"] = np.where(leaf, -2.0, self.threshold[nodes])
        table["impurity"] = self.variance[nodes]
        # No leaf is found by the depth, nor by the numbers of examples, which stay zero.
        return {
            "max_depth": int(len(nodes) // 2),
            "node_count": len(nodes),
            "nodes": table,
            "values": np.ascontiguousarray(self.mean[nodes]).reshape(-1, 1, 1),
        }
