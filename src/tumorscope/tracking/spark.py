"""Very many images, answered by a logged model as a Spark function, for clusters.

The session is the one that `spark-submit` configures, or one of this machine's cores. Files come
from Spark's binaryFile source. It leaves out empty files and those whose names begin with `_`; the
workflow answers these by itself.
"""

import glob
import logging
import os
import re
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow

from tumorscope.errors import ScoringError
from tumorscope.shipped import SHIPPED
from tumorscope.tracking.local_model import find_model
from tumorscope.tracking.scoring_worker import LARGEST_FILE, TOO_LARGE

RESULT = "probability double, label string, error string"
NEEDED = (
    "The engine spark needs PySpark 4 and Java 17: pip install 'pyspark>=4,<5', and "
    "apt-get install openjdk-17-jre-headless or set JAVA_HOME."
)


def score_with_spark(
    source: str,
    model_uri: str,
    folder: Path,
    suffixes: tuple[str, ...],
    ignored: frozenset[str],
    params: dict[str, bool],
) -> tuple[str, int]:
    """Score a source, and let Spark write the answers, a file a partition.

    Args:
        source: folder, glob of Hadoop's kind (no `**`), or parquet file with a column `content`.
        model_uri: of MLflow.
        folder: of the answers; replaced where it is there.
        suffixes: of the files of a folder that are images.
        ignored: names of folders in it that are passed over.
        params: of the model, as `check_input`; may be empty.

    Returns:
        The model's version, and Spark's default parallelism.

    Raises:
        ScoringError: Spark or Java is missing, or Spark cannot read the source.
        TrackingError: there is no such model.
    """
    if model_uri == SHIPPED:
        raise ScoringError(
            "The engine spark takes models of MLflow, and shipped is none: give a URI as "
            "models:/tumorscope@champion."
        )
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)
    # PySpark warns of pandas 3; what is used of it here is tested.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
    session, refusals = _session()
    version = find_model(model_uri).version
    try:
        images = _images(session, source, suffixes, ignored)
        answers = _answers(session, images, version, params)
        answers.write.mode("overwrite").parquet(folder.as_uri())
    except refusals as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise ScoringError(f"Spark cannot score {source}: {reason}.") from None
    return version, session.sparkContext.defaultParallelism


def _session() -> tuple[Any, tuple[type[Exception], ...]]:
    """The Spark session, and the errors by which Spark refuses."""
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise ScoringError(NEEDED) from None
    refusals = (PySparkException, Py4JError)
    try:
        session = SparkSession.builder.appName("tumorscope").getOrCreate()
    except (*refusals, RuntimeError, OSError):  # a Java that is missing, or that does not start
        raise ScoringError(NEEDED) from None
    context = session.sparkContext
    if context.master.startswith("local") and "PYSPARK_PYTHON" not in os.environ:
        context.pythonExec = sys.executable  # and not whatever python3 is the first in PATH
    return session, refusals


def _images(session: Any, source: str, suffixes: tuple[str, ...], ignored: frozenset[str]) -> Any:
    """Columns path, content and length."""
    from pyspark.sql import functions as F  # noqa: N812 - its name everywhere

    place = Path(source).expanduser().absolute()
    if place.suffix == ".parquet" and place.is_file():
        table = session.read.parquet(str(place))
        if "content" not in table.columns:
            raise ScoringError(
                f"{source} has no column `content`; the engine spark reads files from a folder "
                "or a glob."
            )
        path = "path" if "path" in table.columns else F.lit(None).cast("string").alias("path")
        return table.select(path, "content", F.length("content").alias("length"))
    files = session.read.format("binaryFile")
    if not place.is_dir() and not (glob.has_magic(source) and "**" not in source):
        raise ScoringError(
            f"There is no folder {source}: the engine spark reads a folder, a glob in quotes "
            "without **, or a parquet file of contents."
        )
    if not place.is_dir():
        return _named(files.load(str(place)))
    below = len(f"file:{place}") + 1
    inside = F.lower(F.expr(f"substring(path, {below})"))
    ends = "|".join(re.escape(suffix) for suffix in suffixes)
    folders = "|".join(re.escape(name) for name in sorted(ignored))
    found = files.option("recursiveFileLookup", "true").load(_literal(str(place)))
    return _named(found.where(inside.rlike(f"({ends})$") & ~inside.rlike(rf"/\.|/({folders})/")))


def _named(files: Any) -> Any:
    from pyspark.sql import functions as F  # noqa: N812

    return files.select(
        F.regexp_replace("path", "^file:/*", "/").alias("path"), "content", "length"
    )


def _answers(session: Any, images: Any, version: str, params: dict[str, bool]) -> Any:
    """Columns as `learning.part_files.ANSWERS` has them."""
    from pyspark.sql import functions as F  # noqa: N812

    ask = mlflow.pyfunc.spark_udf(
        session, version, env_manager="local", result_type=RESULT, params=params
    )
    small, large = F.col("length") <= LARGEST_FILE, F.col("length") > LARGEST_FILE
    answered = images.where(small).withColumn(
        "answer", ask(F.struct(F.col("content").alias("image")))
    )
    nothing = F.lit(None).cast("string")
    rows = answered.select("path", "answer.probability", "answer.label", "answer.error").union(
        images.where(large).select("path", nothing.cast("double"), nothing, F.lit(TOO_LARGE))
    )
    # MLflow makes the words "None" and "nan" of missing texts, where others are not missing.
    texts = {
        name: F.when(F.col(name).isin("None", "nan"), None).otherwise(F.col(name)).alias(name)
        for name in ("label", "error")
    }
    return rows.select(
        "path",
        F.when(F.isnan("probability"), None).otherwise(F.col("probability")).alias("probability"),
        texts["label"],
        texts["error"],
        nothing.alias("frames"),
        F.lit(version).alias("model_version"),
        F.lit(datetime.now(UTC)).alias("scored_at"),
    )


def _literal(path: str) -> str:
    """Escape what Hadoop would take for a pattern."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)
