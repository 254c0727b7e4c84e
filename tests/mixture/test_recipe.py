"""The mixture file: what it means, and every error with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.budgets import resolve_budgets
from mathcode_data.mixture.recipe import Recipe, check_recipe, load_recipe

TEXT = """\
name: one-stage
seed: 17
sequence_length: 4096
sources:
  code: {shards: results/code, max_epochs: 1}
  math: {pipeline: ../pipelines/math.yaml, stage: math, max_epochs: 4, holdout: 0.1%}
stages:
  - name: mixed
    tokens: {code: 400B, math: 150e9}
  - name: more
    tokens: 550B
    weights: {code: 8, math: 3}
packing: concat
"""


def load(tmp_path: Path, text: str) -> Recipe:
    path = tmp_path / "mixtures" / "m.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return load_recipe(path)[0]


def quotas_of(recipe: Recipe) -> list[list[int]]:
    return [stage.own for stage in resolve_budgets(recipe, [None] * len(recipe.sources), {})]


def test_a_recipe_is_read_with_paths_relative_to_its_file_and_exact_budgets(tmp_path: Path):
    recipe = load(tmp_path, TEXT)
    assert recipe.sources["code"].shards == (tmp_path / "mixtures" / "results" / "code",)
    assert recipe.sources["math"].pipeline is not None
    assert recipe.sources["math"].pipeline.resolve() == tmp_path / "pipelines" / "math.yaml"
    assert (recipe.sources["code"].holdout, recipe.sources["math"].holdout) == (0.0, 0.001)
    assert quotas_of(recipe) == [[97_656_250, 36_621_093]] * 2
    assert (recipe.packing, recipe.across_stages, recipe.blend, recipe.allow_overlap, recipe.tokenizer) == (
        "concat", "disjoint", "lattice", False, None,
    )  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "says"), [
    ("seed: 17", "sede: 17", "2:1", "unknown key 'sede'; did you mean 'seed'?"),
    ("one-stage", "../../tmp", "1:1", "name: .*found '../../tmp'"),
    ("one-stage", "a/b", "1:1", "name: .*found 'a/b'"),
    ("one-stage", "''", "1:1", "name: .*found ''"),
    ("sequence_length: 4096", "sequence_length: 0", "3:1", "sequence_length: .*greater than or equal to 1, found 0"),
    ("sequence_length: 4096", "sequence_length: 4096\ntokenizer: 5", "4:1", "5 is no path"),
    ("{shards: results/code, ", "{", "5:3", "name one origin"),
    ("{shards: results/code, ", "{shards: a, pipeline: b, ", "5:3", "name one origin"),
    ("{shards: results/code, ", "{shards: a, stage: b, ", "5:3", "`stage` names a stage of a `pipeline`"),
    ("results/code", "[]", "5:10", "names no shards"),
    ("results/code", "[a, 5]", "5:10", "5 is no path"),
    ("max_epochs: 1", "max_epochs: 0", "5:32", "max_epochs: input should be greater than 0"),
    ("holdout: 0.1%", "holdout: 101%", "6:72", "less than or equal to 1, found .101%"),
    ("name: more", "name: mixed", "10:5", r"two stages are called 'mixed' \(number 1 and 2\)"),
    ("code: 400B", "cod: 400B", "9:14", "'cod', which is not under `sources`; did you mean 'code'?"),
    ("math: 3", "mth: 3", "12:24", "'mth', which is not under `sources`; did you mean 'math'?"),
    ("code: 400B", "code: 400X", "9:14", "'400X' is no number of tokens"),
    ("code: 400B", "code: -4", "9:14", "code: -4 is no number of tokens"),
    ("code: 400B", "code: 1.5", "9:14", "1.5 is no whole number of tokens"),
    ("code: 400B", "code: [1]", "9:14", r"\[1\] is no number of tokens"),
    ("tokens: 550B", "tokens: many", "11:5", "'many' is no number of tokens"),
    ("code: 8", "code: -8", "12:15", "-8 is no weight"),
    ("code: 8", "code: .nan", "12:21", "numbers must be finite"),
    ("code: 8", "code: nan", "12:15", "'nan' is no weight"),
    ("code: 8", "code: true", "12:15", "True is no weight"),
    ("{code: 8, math: 3}", "{code: 0, math: 0}", "12:5", "the weights of stage 'more' sum to 0"),
    ("{code: 8, math: 3}", "{}", "12:5", "the weights of stage 'more' sum to 0"),
    ("    weights: {code: 8, math: 3}\n", "", "11:5", "gives a total of tokens and no `weights`"),
    ("tokens: 550B", "tokens: {code: 550B}", "12:5", "gives tokens per source and weights"),
    ("tokens: 550B", "tokens: 4095", "11:5", "less than one sample of 4,096"),
    ("tokens: {code: 400B, math: 150e9}", "tokens: {}", "9:5", "asks for 0 tokens"),
    ("packing: concat", "packing: tight", "13:1", "input should be 'concat' or 'best_fit', found 'tight'"),
    ("packing: concat", "across_stages: both", "13:1", "'disjoint' or 'repeat'"),
    ("packing: concat", "blend: random", "13:1", "'lattice' or 'megatron'"),
    ("packing: concat", "index: none", "13:1", "'written' or 'virtual'"),
    ("packing: concat", "on_exhausted: renormalize", "13:1", "'error', 'repeat' or 'renormalise'"),
    ("packing: concat", "blend: megatron\nindex: virtual", "14:1", "Megatron's greedy order has no closed form"),
    ("    tokens: {code: 400B, math: 150e9}\n", "", "8:5", "stage 'mixed' has no budget"),
    ("    tokens: {code: 400B, math: 150e9}\n", "    epochs: {math: 0}\n", "8:5", "asks for 0 tokens"),
    ("tokens: {code: 400B, math: 150e9}", "epochs: {mth: 1.5}", "9:14", "'mth', which is not under `sources`; did you mean 'math'?"),
    ("tokens: {code: 400B, math: 150e9}", "epochs: {math: -1}", "9:14", "-1 is no number of epochs"),
    ("tokens: {code: 400B, math: 150e9}", "epochs: {math: true}", "9:14", "True is no number of epochs"),
    ("math: 150e9}", "math: 150e9}\n    epochs: {math: 1}", "10:14", "gives 'math' tokens and epochs"),
    ("weights: {code: 8, math: 3}", "weights: {code: 8}\n    epochs: {math: 3}", "13:5", "gives one total of tokens and epochs"),
    ("math: 150e9}", "math: 150e9}\n    final_weights: {math: 1}", "10:5", "gives tokens per source and final_weights"),
    ("math: 3}", "math: 3}\n    final_weights: {mth: 1}", "13:21", "did you mean 'math'?"),
    ("math: 3}", "math: 3}\n    final_weights: {math: 0}", "13:5", "final_weights of stage 'more' sum to 0"),
    ("math: 3}", "math: 3}\n    anneal: linear", "13:5", "add `final_weights`"),
    ("math: 3}", "math: 3}\n    final_weights: {math: 1}\n    anneal: cosine",
     "14:5", "'cosine' is no way to change the weights; write `linear`"),
    ("math: 3}", "math: 3}\n    final_weights: {math: 1}\n    anneal: 1", "14:5", "1 is no way to change the weights"),
    ("math: 3}", "math: 3}\n    finalweights: {math: 1}", "13:5", "unknown key 'finalweights'; did you mean 'final_weights'?"),
    ("math: 3}", "math: 3}\n    replay: {stage: mixed, share: 100%}", "13:5", "less than 1"),
    ("math: 3}", "math: 3}\n    replay: {stage: mixed, share: 0}", "13:5", "greater than 0"),
    ("math: 3}", "math: 3}\n    replay: {stage: mixed}", "13:5", "share is missing"),
    ("math: 3}", "math: 3}\n    replay: {stage: more, share: 5%}", "13:14", "does not stand before it"),
    ("math: 3}", "math: 3}\n    replay: [{stage: mixed, share: 60%}, {stage: mixed, share: 5%}]", "13:43", "replays 'mixed' twice"),
    ("math: 3}\n", "math: 3}\n    final_weights: {math: 1}\nblend: megatron\n", "13:5", "has final_weights and the file `blend: megatron`"),
    ("math: 3}\n", "math: 3}\n    replay: {stage: mixed, share: 5%}\nblend: megatron\n",
     "13:5", "has replay and the file `blend: megatron`"),
])  # fmt: skip
def test_what_is_wrong_is_named_with_line_and_column(tmp_path: Path, old: str, new: str, place: str, says: str):
    assert old in TEXT
    with pytest.raises(ConfigError, match=rf"m\.yaml:{place}: .*{says}"):
        load(tmp_path, TEXT.replace(old, new, 1))


@pytest.mark.parametrize("stages", ["stages: []", ""])
def test_a_recipe_without_stages_or_sources_is_refused(tmp_path: Path, stages: str):
    with pytest.raises(ConfigError, match="stages"):
        load(tmp_path, TEXT[: TEXT.index("stages:")] + stages)
    with pytest.raises(ConfigError, match="sources"):
        load(tmp_path, "name: a\nsequence_length: 8\nsources: {}\nstages: [{name: a, tokens: {code: 8}}]\n")


def test_weights_are_the_decimal_numbers_that_were_written(tmp_path: Path):
    """0.1 + 0.2 is not 0.3 in doubles; the quotas of 0.1 : 0.2 : 0.3 must be those of 1 : 2 : 3."""
    text = "name: a\nsequence_length: 1\nsources: {a: {shards: x}, b: {shards: y}, c: {shards: z}}\nstages:\n"
    decimal = load(tmp_path, f"{text}  - {{name: s, tokens: 6000000000000006, weights: {{a: 0.1, b: 0.2, c: 0.3}}}}\n")
    assert quotas_of(decimal)[0] == [1000000000000001, 2000000000000002, 3000000000000003]


def test_a_recipe_from_no_file_is_checked_with_the_same_words():
    values = {"name": "a", "sequence_length": 8, "sources": {"code": {"shards": "x"}}, "stages": [{"name": "s", "tokens": {"cod": 800}}]}
    with pytest.raises(ConfigError, match=r"stages\.0\.tokens\.cod: .*did you mean 'code'"):
        check_recipe(Recipe.model_validate(values))
