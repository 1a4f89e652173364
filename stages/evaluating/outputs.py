"""What the evaluating stages write, for the report and for people."""

import json
from typing import Any

import numpy as np
import pandas as pd

from denoising.files import write_arrays, write_json, write_text
from stages.shared import layout


def write_evaluation(
    name: str,
    scores: dict[str, Any],
    per_image: dict[str, np.ndarray],
    histogram: pd.DataFrame,
    about: dict[str, Any],
) -> None:
    """Write the results of a row.

    Parameters
    ----------
    name : str
    scores, per_image
        As `denoising.evaluation.evaluate.evaluate` gives them.
    histogram : DataFrame
    about : dict
        What the report needs to know of the row's method; empty where nothing was trained.
    """
    kept = per_image | {"about": np.array(json.dumps(about, sort_keys=True))}
    write_arrays(layout.per_image_file(name), **kept)
    table = histogram.to_csv(index=False, float_format="%.6g")
    write_text(layout.histogram_file(name), table)
    write_json(layout.metrics_file(name), scores)
