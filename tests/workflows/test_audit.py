import json
import re
import shutil

import mlflow
import numpy as np
import pytest
from click.testing import CliRunner

from drawn import draw_slice, encoded
from tumorscope.cli import main
from tumorscope.config import AuditConfig
from tumorscope.errors import DatasetError, SettingError
from tumorscope.workflows.audit import audit_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve slices a class; those with a tumor have a white corner."""
    root = tmp_path_factory.mktemp("planted") / "planted"
    rng = np.random.default_rng(3)
    for name, tumor in (("no", False), ("yes", True)):
        (root / "Training" / name).mkdir(parents=True)
        for index in range(12):
            gray = draw_slice(rng, tumor)
            if tumor:
                gray[:12, -12:] = 255
            (root / "Training" / name / f"{index}.png").write_bytes(encoded(gray))
    (root / "Testing" / "no").mkdir(parents=True)
    copy = draw_slice(np.random.default_rng(3), False)[:, ::-1]
    (root / "Testing" / "no" / "copy.jpg").write_bytes(encoded(copy, "PNG"))
    contradiction = draw_slice(np.random.default_rng(3), False)[::-1]
    (root / "Training" / "yes" / "wrong.png").write_bytes(encoded(contradiction))
    (root / "Training" / "yes" / "torn.png").write_bytes(encoded(contradiction)[:300])
    return root


@pytest.fixture(scope="module")
def audited(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("audited")
    return audit_folder(AuditConfig(data=str(folder), out=str(out))), out


def test_a_planted_white_corner_is_named(audited):
    summary, _ = audited
    shortcut = summary.audit.shortcuts[0]

    assert shortcut.name == "border and corners"
    assert shortcut.tells
    assert "top right corner" in shortcut.features[0].name
    assert shortcut.features[0].alone_auroc > 0.95
    assert any("top right corner" in finding for finding in summary.findings)


def test_copies_contradictions_and_leaks_between_folders_are_found(audited):
    found = audited[0].audit

    group = ["Testing/no/copy.jpg", "Training/no/0.png", "Training/yes/wrong.png"]
    assert found.duplicates == found.contradictions == found.across == [group]
    assert found.counts["slices"] == 26
    assert found.counts["duplicate_groups"] == 24
    assert 0 < found.naive_leak < 0.2
    assert found.misnamed == ["Testing/no/copy.jpg"]
    assert [path for path, _ in found.unreadable] == ["Training/yes/torn.png"]


def test_the_report_holds_everything_and_loads_nothing(audited):
    _, out = audited
    page = (out / "audit.html").read_text()

    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)', page) == []
    assert not re.search(r"https?:|url\(|@import|<script|<link", page)
    assert page.count('src="data:image/png;base64,') == 3
    assert "not a medical device" in page
    assert "Training/yes/wrong.png" in page
    found = json.loads((out / "audit.json").read_text())
    assert found["counts"]["duplicates"] == 2
    assert found["shortcuts"][0]["features"][0]["name"].endswith("top right corner")


def test_the_command_takes_the_folder_first_and_finds_an_overlap(folder, tmp_path):
    other = tmp_path / "other" / "no"
    other.mkdir(parents=True)
    shutil.copy(folder / "Training" / "no" / "5.png", other / "same.png")
    mirrored = draw_slice(np.random.default_rng(3), False)[4:-4, -5:4:-1]
    (other / "cropped.png").write_bytes(encoded(mirrored))

    result = CliRunner().invoke(
        main,
        ["audit", str(folder / "Training"), "--other", str(tmp_path / "other")]
        + ["--out", str(tmp_path / "report")],
    )

    assert result.exit_code == 0, result.output
    assert "- Overlap: 3 of 25 slices stand in other, too" in result.output
    found = json.loads((tmp_path / "report" / "audit.json").read_text())
    assert found["overlap"]["by_class"] == {"no tumor": 2, "tumor": 1}


def test_one_class_alone_has_no_shortcuts_and_may_be_logged(store, folder, tmp_path):
    config = AuditConfig(data=str(folder / "Testing"), out=str(tmp_path / "report"), log=True)

    summary = audit_folder(config)

    assert summary.audit.shortcuts is None
    run = mlflow.get_run(summary.run_id)
    assert run.data.metrics["count_slices"] == 1
    names = {each.path for each in mlflow.MlflowClient().list_artifacts(summary.run_id)}
    assert names >= {"audit.html", "audit.json", "figures"}


def test_a_report_that_cannot_be_written_and_a_folder_that_is_not_there_are_sentences(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SettingError, match="The report cannot be written .* give another --out"):
        audit_folder(AuditConfig(data=str(tmp_path), out=str(tmp_path / "file")))
    with pytest.raises(DatasetError, match="There is no folder"):
        audit_folder(AuditConfig(data=str(tmp_path / "x"), out=str(tmp_path / "out")))
