"""A path that is not there is answered with the nearest one that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.kinds import identify, named_results, ordered_results
from support.stages import documents, make_result


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        ("quikstart/results", "did you mean 'quickstart' in "),
        ("quickstart/result", "did you mean 'results' in "),
        ("quickstart/zzz", "folder; check"),
    ],
)
def test_a_typo_in_a_path_is_answered_with_the_nearest_name(tmp_path: Path, missing: str, hint: str):
    (tmp_path / "quickstart" / "results").mkdir(parents=True)
    with pytest.raises(ConfigError) as error:
        identify(tmp_path / missing)
    assert hint in str(error.value)


def test_results_come_as_the_pipeline_names_them_and_others_last(tmp_path: Path):
    for name in ("a", "b", "c"):
        make_result(tmp_path / name, [documents([name])])
    (tmp_path / "pipeline.json").write_text('{"results": ["c", "unfinished", "a"]}')
    assert [result.folder.name for result in ordered_results(tmp_path)] == ["c", "a", "b"]
    assert named_results(tmp_path) == ["c", "unfinished", "a"]
    for content in ("[]", "{", '{"results": 3}'):
        (tmp_path / "pipeline.json").write_text(content)
        assert named_results(tmp_path) == []
