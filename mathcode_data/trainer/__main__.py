"""`python -m mathcode_data.trainer TRAIN.yaml`: train where only numpy, torch and this package are installed.

`torchrun --nproc-per-node 8 -m mathcode_data.trainer TRAIN.yaml` trains on 8 GPUs.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import InterruptedRunError, MathcodeError, exit_code_of
from mathcode_data.core.interrupt import Interrupt, Stopped, ignore_signals
from mathcode_data.core.storage import to_json
from mathcode_data.trainer.config import load_train_config

logger = logging.getLogger("mathcode_data.trainer")


def main(arguments: list[str] | None = None) -> int:
    """Run from a terminal; messages go to standard error, the summary (with --json) to standard output. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m mathcode_data.trainer",
        description="Train a model on a mixture; a run that is in the output folder already goes on.",
        epilog="example: python -m mathcode_data.trainer train.yaml --json",
    )
    parser.add_argument("config", type=Path, metavar="TRAIN.yaml", help="the training file")
    parser.add_argument("--stop-after-steps", type=int, metavar="N", help="save and stop after N steps of this call")
    parser.add_argument(
        "--continue-from", type=Path, metavar="CHECKPOINT", help="begin with weights and optimizer of another mixture's run"
    )
    parser.add_argument("--json", action="store_true", help="write the summary to standard output")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    interrupt = Interrupt("the newest checkpoint is kept, the same command goes on from there")
    try:
        with interrupt, interrupt.at_once():
            config = load_train_config(options.config, continue_from=options.continue_from)
            from mathcode_data.trainer.loop import train  # loads torch, which a wrong file need not wait for

            summary = train(config, report=log_record, stop_after_steps=options.stop_after_steps)
    except Stopped as error:
        logger.error("error: %s", error)
        return InterruptedRunError.exit_code
    except MathcodeError as error:
        logger.error("error: %s", error)
        return exit_code_of(error)
    except Exception:
        if not interrupt.came:
            raise
        logger.error("error: stopped by %s; run the same command again", interrupt.received)  # a library made another error of it
        return InterruptedRunError.exit_code
    if options.json and os.environ.get("RANK", "0") == "0":
        sys.stdout.buffer.write(to_json(summary))
    return 0


def log_record(record: dict[str, Any]) -> None:
    """Write one line about a record of metrics.jsonl."""
    if record["kind"] == "step":
        sources = "  ".join(f"{name} {loss:.4f}" for name, loss in record["loss_per_source"].items())
        logger.info(
            "step %d  tokens %s  loss %.4f  (%s)  lr %.3g  norm %.2f  %s tokens/s",
            record["step"], f"{record['tokens']:,}", record["loss"], sources, record["lr"], record["grad_norm"],
            f"{record['tokens_per_s']:,.0f}",
        )  # fmt: skip
    elif record["kind"] == "skipped":
        return  # the loop warned
    elif record["kind"] == "evaluation":
        losses = "  ".join(f"{name} {found['loss']:.4f}" for name, found in record["held_out"].items())
        logger.info("step %d  held-out loss: %s", record["step"], losses or "no source has a holdout")
    else:
        logger.info(
            "%s: step %d of %d, %s parameters, %s, %s, kernels %s",
            "resumed" if record["step"] else "started", record["step"], record["num_steps"], f"{record['num_parameters']:,}",
            record["device"], record["dtype"], ", ".join(f"{op} {name}" for op, name in record["kernels"].items()),
        )  # fmt: skip


if __name__ == "__main__":
    code = main()
    ignore_signals()
    sys.exit(code)
