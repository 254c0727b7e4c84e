"""The trainer: reads a mixture by position and trains a DeepSeek-LLM model; exact, restartable, on a CPU or a GPU.

`loop.train` runs it; `python -m mathcode_data.trainer TRAIN.yaml` does so from a terminal. No module is imported here, so that
reading a configuration loads no torch.
"""

import os

# Work at import, against the house's rule, because OpenMP reads this once, when torch loads. Its threads wait for each other
# by spinning, by default so long that with any other load on the machine each of a step's thousand small operations waits for
# the scheduler: on two busy cores a step took over 10 s by default, 1-3 s with this.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
