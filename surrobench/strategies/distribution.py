from __future__ import annotations
from typing import Any
import numpy as np
from surrobench.spaces.architecture import Arch
from surrobench.strategies.options import check_choice, check_number, check_whole
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import FloatArray, Strategy
class EstimationOfDistribution(Strategy):
    def __init__(self, problem: Problem, *, generation: int = 10, best: int = 10, memory: str = "all", learning_rate: float = 1.0, smoothing: float = 1.0, initial: int = 10, **common: Any) -> None:
        super().__init__(problem, **common)
        self.generation, self.best_, self.memory, self.learning_rate, self.smoothing,self.initial = generation, best, memory, learning_rate, smoothing, initial
    def _p(self):
        cards=self.space.cardinalities
        p=[np.full(c,1/c) for c in cards]
        for end in range(self.generation, len(self.history)+1, self.generation):
            told=self.history[:end] if self.memory=="all" else self.history[end-self.generation:end]
            y=self.targets(told); top=np.argsort(-y,kind="stable")[:self.best_ if self.best_>=1 else max(1,round(self.best_*len(told)))]
            for v,c in enumerate(cards):
                n=np.bincount([told[i].arch[v] for i in top],minlength=c)+self.smoothing/c
                p[v]=(1-self.learning_rate)*p[v]+self.learning_rate*n/n.sum()
        return p
    def _propose(self, n, rng):
        if len(self.history) < self.initial: return []
        taken=self.seen(); p=self._p(); out=[]
        for _ in range(n):
            for _ in range(20):
                a=tuple(int(rng.choice(len(q),p=q)) for q in p)
                if a in self.candidates and a not in taken: break
            a=self.candidates.nearest(a,rng,taken)
            if a is None: break
            out.append(a); taken.add(a)
        return out
