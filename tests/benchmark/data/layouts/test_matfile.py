"""The reader of ``meta.mat`` against SciPy's writer."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scipy.io
from topfive.benchmark.data.layouts.matfile import MatError, read_struct


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_and_texts_of_a_struct(compressed):
    wanted = [(3, "n01440764", 1.5), (1, "n02119789", 2), (2, "né", 0.25), (70000, "", 1)]
    synsets = np.zeros((len(wanted), 1), [("ID", object), ("gloss", object), ("WNID", object), ("x", object)])
    for i, (number, wnid, x) in enumerate(wanted):
        synsets[i, 0] = (np.array([[number]]), "text", wnid, np.array([[float(x)]]))
    file = io.BytesIO()
    scipy.io.savemat(file, {"other": np.arange(5), "synsets": synsets}, do_compression=compressed)
    found = read_struct(file.getvalue(), "synsets", ("ID", "WNID", "x"))
    assert found[:3] == wanted[:3]
    assert found[3][0] == 70000
    with pytest.raises(MatError, match="lacks the field y"):
        read_struct(file.getvalue(), "synsets", ("y",))
    with pytest.raises(MatError, match="no struct called nothing"):
        read_struct(file.getvalue(), "nothing", ("ID",))
    with pytest.raises(MatError, match="not a level 5"):
        read_struct(b"", "synsets", ("ID",))
