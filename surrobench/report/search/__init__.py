"""From the evaluations of a search study to the tables and figures of a paper.

One row per evaluation in; curves of regret (or of hypervolume), success, comparisons at budgets,
ranks and tests out. Methods are compared at equal expense in full trainings.
"""
