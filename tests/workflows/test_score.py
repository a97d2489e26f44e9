import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from tumorscope.config import ScoringConfig
from tumorscope.errors import ScoringError, SettingError
from tumorscope.learning.part_files import finished_parts
from tumorscope.tracking.models import LoggedModel
from tumorscope.workflows.score import score_images

ROWS = ["path", "probability", "label", "error", "frames", "model_version"]
IMAGES = 133  # of the drawn data; one of them is torn


@pytest.fixture(scope="module")
def whole(drawn_data, tmp_path_factory):
    """What an uninterrupted run of the shipped model says of the drawn slices."""
    out = tmp_path_factory.mktemp("whole") / "whole.parquet"
    summary = score_images(config(drawn_data, out))
    rows = pd.read_parquet(out)
    assert summary.images == IMAGES
    # The torn one, and those few of the drawn heads that the check of the input takes for none.
    assert 1 <= summary.errors == rows["error"].notna().sum() <= IMAGES / 10
    assert list(out.parent.iterdir()) == [out]
    return rows


def config(source, out, **settings):
    return ScoringConfig(
        **{"source": str(source), "out": str(out), "model": "shipped", "workers": 2, "chunk": 16}
        | settings
    )


def test_the_rows_are_what_the_model_answers_of_each_file(whole, drawn_data):
    readable = whole[whole["error"].isna()]
    model = LoggedModel("shipped")
    paths = [os.path.relpath(path, drawn_data) for path in readable["path"]]

    there = model.answer(drawn_data, paths).probabilities

    assert readable["probability"].tolist() == pytest.approx(there.tolist(), abs=1e-6)
    assert set(readable["label"]) <= {"tumor", "no tumor", "unsure"}
    assert whole["path"].is_unique
    (torn,) = whole[whole["path"].str.endswith("torn.png")].to_dict("records")
    assert torn["error"].startswith("The picture is damaged or truncated")
    assert whole["scored_at"].dt.tz is not None


def test_without_the_check_of_the_input_only_what_cannot_be_read_has_no_answer(
    whole, drawn_data, tmp_path
):
    out = tmp_path / "out.parquet"

    summary = score_images(config(drawn_data, out, check_input=False))

    rows = pd.read_parquet(out)
    answered = whole["error"].isna()
    assert summary.errors == 1 < (~answered).sum()
    assert rows["path"][rows["error"].notna()].str.endswith("torn.png").all()
    pd.testing.assert_frame_equal(rows[ROWS][answered], whole[ROWS][answered], atol=1e-6)


def test_the_shipped_model_scores_without_waiting_for_mlflow_or_pandas(drawn_data, tmp_path):
    code = (
        "import sys; from tumorscope.config import ScoringConfig; "
        "from tumorscope.workflows.score import score_images; "
        f"score_images(ScoringConfig(source={str(drawn_data)!r}, out='out.parquet', "
        "model='shipped', workers=1)); "
        "print({'mlflow', 'tensorflow', 'matplotlib', 'pandas'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "set()"
    assert (tmp_path / "out.parquet").is_file()


def test_after_a_kill_the_second_start_gives_each_image_one_row(whole, drawn_data, tmp_path):
    out, parts = tmp_path / "out.parquet", tmp_path / ".out.parquet.parts"
    command = [sys.executable, "-m", "tumorscope", "score", str(drawn_data), "--out", str(out)]
    command += ["--model", "shipped", "--workers", "1", "--chunk", "4"]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": ":".join(sys.path)})
    deadline = time.monotonic() + 60
    while len(finished_parts(parts)) < 2 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(finished_parts(parts))
    assert 2 <= kept < IMAGES / 4 - 1
    assert not out.exists()

    told = []
    summary = score_images(
        config(drawn_data, out, chunk=4), lambda done, total: told.append((done, total))
    )

    assert summary.resumed == 4 * kept
    assert told[0][0] > summary.resumed
    assert told[-1] == (IMAGES, IMAGES)
    pd.testing.assert_frame_equal(pd.read_parquet(out)[ROWS], whole[ROWS], atol=1e-6)
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_that_was_merged_but_not_cleaned_up_is_merged_again(whole, drawn_data, tmp_path):
    out = tmp_path / "out.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tumorscope.learning.part_files.discard", lambda folder: None)
        score_images(config(drawn_data, out))

    summary = score_images(config(drawn_data, out))

    assert summary.resumed == IMAGES
    assert len(pd.read_parquet(out)) == IMAGES
    assert list(tmp_path.iterdir()) == [out]


def test_parts_of_other_work_and_a_file_that_exists_are_refused(drawn_data, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out.parquet"
    source.mkdir()
    shutil.copy(drawn_data / "no" / "slice_00.png", source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tumorscope.learning.part_files.discard", lambda folder: None)
        score_images(config(source, out))
    shutil.copy(drawn_data / "no" / "slice_01.png", source)

    with pytest.raises(SettingError, match="answers with another source: .* another --out"):
        score_images(config(source, out))
    shutil.rmtree(tmp_path / ".out.parquet.parts")
    with pytest.raises(ScoringError, match="out.parquet exists already: give another --out"):
        score_images(config(source, out))


def test_nothing_is_left_where_nothing_can_be_scored(tmp_path):
    with pytest.raises(ScoringError, match="There is no "):
        score_images(config(tmp_path / "nowhere", tmp_path / "out.parquet"))
    with pytest.raises(ScoringError, match=r"expected a name that ends with \.parquet"):
        score_images(config(tmp_path, tmp_path / "answers.csv"))

    assert list(tmp_path.iterdir()) == []


def test_contents_and_paths_in_a_table_are_scored_by_the_version_behind_an_alias(
    registered_uri, drawn_data, tmp_path
):
    first, second = sorted((drawn_data / "yes").glob("slice_0[0-9].png"))[:2]
    table = {"path": [str(first), str(second), "gone.png", "own"]}
    table["content"] = [None, None, None, first.read_bytes()]
    pd.DataFrame(table).to_parquet(tmp_path / "table.parquet")

    summary = score_images(ScoringConfig(source="table.parquet", out="out.parquet", workers=1))

    rows = pd.read_parquet("out.parquet")
    assert summary.model_version == registered_uri
    assert rows["path"].tolist() == table["path"]
    there = LoggedModel("shipped").answer(drawn_data / "yes", [first.name, second.name])
    assert rows["probability"][:2].tolist() == pytest.approx(there.probabilities.tolist(), abs=1e-6)
    assert rows["error"][2] == "The file cannot be opened (No such file or directory)."
    assert rows["probability"][3] == rows["probability"][0]
