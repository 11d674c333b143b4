"""From a run folder to its report: what needs the study and its tasks beside the numbers."""
