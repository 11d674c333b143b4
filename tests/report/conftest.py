"""A realistic synthetic study with failures, for every test here."""

from __future__ import annotations

import pandas as pd
import pytest
from prediction_frames import fail, make_frame


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """A whole study (not to be changed): ARD stops at 200 examples, some cells failed."""
    records = make_frame()
    stopped = records["predictor"].str.endswith("-ard") & (records["train_size"] > 200)
    records = records[~stopped].reset_index(drop=True)
    size, seed = records["train_size"], records["seed"]
    fail(
        records,
        (records["predictor"] == "mlp-ensemble") & (size == 800) & (seed < 2),
        "timeout",
        "stopped after 600 s",
    )
    fail(
        records,
        (records["predictor"] == "xgboost") & (size == 25) & (seed == 3),
        "failed",
        "ValueError: <b>bad_input</b> & 100% | of `X`\nin line 2",
    )
    return records
