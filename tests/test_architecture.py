"""The picture in docs/architecture.md, held against the imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
MODULES = sorted(SOURCE.rglob("*.py"))
FOUNDATION = {"tumorscope.config", "tumorscope.errors", "tumorscope.shipped"}
# What each place may import of this project; imports point downwards only.
ALLOWED = {
    "tumorscope_serving": {"tumorscope_serving"},
    "tumorscope.errors": set(),
    "tumorscope.config": {"tumorscope.config", "tumorscope.errors"},
    "tumorscope.shipped": set(),
    "tumorscope.phantom": FOUNDATION | {"tumorscope.phantom", "tumorscope_serving"},
    "tumorscope.learning": FOUNDATION | {"tumorscope.learning", "tumorscope_serving"},
    "tumorscope.tracking": FOUNDATION | {"tumorscope.tracking", "tumorscope_serving"},
    "tumorscope.workflows": FOUNDATION
    | {
        "tumorscope.phantom",
        "tumorscope.learning",
        "tumorscope.tracking",
        "tumorscope.workflows.slices",  # what every command that reads slices begins with
        "tumorscope.workflows.initial_weights",  # what training may start from
        "tumorscope.workflows.pretraining_figures",  # what pretrain is judged by
        "tumorscope.workflows.pretraining_summary",  # what pretrain ends with
        "tumorscope.workflows.search_summary",  # what tune ends with
        "tumorscope.workflows.cross_validation_summary",  # what cross_validate ends with
        "tumorscope_serving",
    },
    "tumorscope.cli": FOUNDATION | {"tumorscope.cli", "tumorscope.workflows"},
    "tumorscope.__main__": {"tumorscope.cli"},
    "tumorscope": set(),
}
SERVING_MAY_IMPORT = {
    *("numpy", "cv2", "PIL", "pandas", "onnxruntime", "pydicom", "nibabel"),
    "tumorscope_serving",
}


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def place_of(name: str) -> str:
    return max((place for place in ALLOWED if f"{name}.".startswith(f"{place}.")), key=len)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_downwards(path):
    allowed = ALLOWED[place_of(module_name(path))]
    ours = {name for name in imports_of(path) if name.startswith("tumorscope")}

    wrong = {
        name for name in ours if not any(f"{name}.".startswith(f"{place}.") for place in allowed)
    }

    assert not wrong


@pytest.mark.parametrize(
    ("library", "place"),
    [("mlflow", "tumorscope.tracking"), ("click", "tumorscope.cli")],
)
def test_a_library_with_one_place_is_imported_there_only(library, place):
    users = {
        module_name(path)
        for path in MODULES
        if any(name.split(".")[0] == library for name in imports_of(path))
    }

    assert users
    assert all(f"{user}.".startswith(f"{place}.") for user in users)


@pytest.mark.parametrize("path", sorted((SOURCE / "tumorscope_serving").glob("*.py")), ids=str)
def test_the_served_code_imports_only_what_its_environment_has(path):
    libraries = {name.split(".")[0] for name in imports_of(path)} - sys.stdlib_module_names

    assert libraries <= SERVING_MAY_IMPORT


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_each_module_is_named_after_a_subject_and_says_what_it_is_for(path):
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_the_command_line_imports_nothing_heavy():
    code = (
        "import sys, tumorscope.cli; "
        "print([name for name in sys.modules if name in "
        "('keras', 'tensorflow', 'mlflow', 'numpy', 'pandas', 'cv2', 'sklearn', 'matplotlib')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
