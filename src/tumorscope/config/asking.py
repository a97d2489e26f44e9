"""How a model is asked: about very many images, or about a few."""

import dataclasses

from tumorscope.config.settings import REPORT_HELP, check_limits, setting

CHAMPION = "models:/tumorscope@champion"
CHECK_HELP = "Refuse what looks like no slice of a head MRI; false: judge it all the same."


@dataclasses.dataclass(frozen=True)
class ScoringConfig:
    """Settings of `score`: which images, which model, and where the answers go."""

    source: str = setting(
        "",
        "Folder of images, a glob in quotes, or a parquet file with a column path (text) or "
        "content (bytes of an image). May stand without its name, too.",
    )
    out: str = setting("scores.parquet", "Parquet file to write; it must not exist yet.")
    model: str = setting(CHAMPION, "shipped, or any MLflow model URI of this project.")
    check_input: bool = setting(True, CHECK_HELP)
    engine: str = setting(
        "local",
        "local: processes of this machine. spark: a Spark session, with the extra `spark`.",
        choices=("local", "spark"),
    )
    workers: int = setting(0, "Processes of the local engine; 0 is one a core.", 0, 1024)
    chunk: int = setting(
        256, "Images of a part file, the most that a kill costs each process.", 1, 10_000
    )
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)

    def params(self) -> dict[str, bool]:
        """What the model is asked for beside its answers, by the names of its params."""
        return {} if self.check_input else {"check_input": False}


@dataclasses.dataclass(frozen=True)
class PredictionConfig:
    """Settings of `predict`: which files, and who is asked."""

    files: str = setting(
        "", "File to ask about, or a glob in quotes. Further ones stand without a name."
    )
    model: str = setting(CHAMPION, "shipped, or any MLflow model URI, to load in this process.")
    url: str = setting("", "Ask a scoring server instead, as http://127.0.0.1:5001.")
    timeout_s: float = setting(60.0, "Longest wait for an answer of the server.", 0.1, 3600)
    check_input: bool = setting(True, CHECK_HELP)
    explain: str = setting("", "Folder for overlays of heat maps; none where it is empty.")
    report: str = setting("", "Also write the answers to this JSON file.")

    def __post_init__(self) -> None:
        check_limits(self)

    def params(self) -> dict[str, bool]:
        """What the model is asked for beside its answers, by the names of its params."""
        return ({"explain": True} if self.explain else {}) | (
            {} if self.check_input else {"check_input": False}
        )
