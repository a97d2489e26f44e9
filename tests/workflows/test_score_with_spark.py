"""The Spark engine in local mode: the rows of the local engine, from several partitions."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drawn import encoded
from tumorscope.config import ScoringConfig
from tumorscope.errors import ScoringError
from tumorscope.workflows.score import score_images

ROWS = ["path", "probability", "label", "error", "frames", "model_version"]


@pytest.fixture
def spark(tmp_path, monkeypatch):
    """A session of two cores; it is stopped, so that no test inherits it.

    The first python3 in its PATH is none, as where nobody has activated the environment.
    """
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed: extra `spark`")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17: apt-get install openjdk-17-jre-headless")
    other = tmp_path / "bin" / "python3"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}{os.pathsep}{os.environ['PATH']}")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def images(drawn_data, tmp_path) -> Path:
    """Readable slices, and whatever else lies about in a folder."""
    root = tmp_path / "slices [1]"
    for name in ("a b", "masks", ".hidden"):
        (root / name).mkdir(parents=True)
        shutil.copy(drawn_data / "no" / "slice_00.png", root / name / "ü 1%20.png")
    for path in sorted((drawn_data / "yes").glob("slice_0*.png"))[:6]:
        shutil.copy(path, root)
    shutil.copy(drawn_data / "yes" / "torn.png", root)
    shutil.copy(drawn_data / "yes" / "slice_00.png", root / "_named.png")
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    (root / "noise.png").write_bytes(encoded(noise))
    (root / "empty.png").write_bytes(b"")
    (root / "notes.txt").write_text("not an image")
    return root


@pytest.mark.parametrize("checks", [True, False])
def test_spark_gives_the_rows_of_the_local_engine(spark, images, registered_uri, checks):
    config = ScoringConfig(source=str(images), workers=1, check_input=checks)
    score_images(dataclasses.replace(config, out="local.parquet"))
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    assert files.load(str(images).replace("[", "\\[")).rdd.getNumPartitions() > 1

    summary = score_images(dataclasses.replace(config, out="spark.parquet", engine="spark"))

    local, by_spark = (
        pd.read_parquet(name).sort_values("path", ignore_index=True)[ROWS]
        for name in ("local.parquet", "spark.parquet")
    )
    assert summary.images == 11
    assert summary.errors == local["error"].notna().sum() >= 2
    assert local["error"][local["path"].str.endswith("noise.png")].notna().all() == checks
    pd.testing.assert_frame_equal(by_spark, local, atol=1e-6)
    assert not list(Path().glob(".spark*"))


def test_the_shipped_network_is_no_model_of_mlflow_for_spark(images, tmp_path):
    with pytest.raises(ScoringError, match="takes models of MLflow, and shipped is none"):
        score_images(
            ScoringConfig(
                source=str(images),
                model="shipped",
                engine="spark",
                out=str(tmp_path / "out.parquet"),
            )
        )
