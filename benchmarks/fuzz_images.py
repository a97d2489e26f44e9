"""Throw damaged files at the decoders until something other than an answer comes back.

Seeds are pictures drawn here and the files that pydicom and nibabel bring with them. Each input is
a seed with some bytes changed, cut, doubled or overwritten by another's; a child process with a
bounded memory reads it. A finding is an input that ends in anything but frames or an
UnreadableSliceError: another exception, a hang, a dead process, or a word of the file in what was
said. It is kept as a file, with the number that makes it again. Exit status 1 where there was one.

    python benchmarks/fuzz_images.py --seconds 600
    python benchmarks/fuzz_images.py --only 12345        # one input again, here and now
"""

import argparse
import gzip
import io
import json
import multiprocessing
import os
import resource
import sys
import time
import traceback
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

SECRET = "Xyzzy^Quux"
MEMORY_BYTES = 3 * 2**30
HANG_S = 20.0
TOKENS = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
TOKENS += (b"\x01\x00", b"\x00\x80", b"\xff\xd9", b"\xff\xd8", b"\xfe\xff\x00\xe0", b"DICM", b"nan")


def pictures() -> dict[str, bytes]:
    """Drawn pictures in the formats and modes that people have."""
    rng = np.random.default_rng(0)
    gray = np.clip(rng.normal(90, 40, (48, 40)), 0, 255).astype(np.uint8)
    color = Image.fromarray(np.stack([gray, gray[::-1], gray[:, ::-1]], axis=-1))
    page = Image.fromarray(gray)
    made = {}

    def add(name: str, picture: Image.Image, kind: str, **options) -> None:
        stream = io.BytesIO()
        picture.save(stream, kind, **options)
        made[name] = stream.getvalue()

    for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP"):
        add(f"gray.{kind}", page, kind)
        add(f"color.{kind}", color, kind)
    add("deep.PNG", Image.fromarray(gray.astype(np.uint16) * 200), "PNG")
    add("palette.PNG", color.quantize(16), "PNG")
    add("alpha.PNG", color.convert("RGBA"), "PNG")
    add("cmyk.JPEG", color.convert("CMYK"), "JPEG")
    add("progressive.JPEG", color, "JPEG", progressive=True)
    add("lossless.WEBP", color, "WEBP", lossless=True)
    add("float.TIFF", Image.fromarray(gray.astype(np.float32)), "TIFF")
    add("bit.TIFF", page.convert("1"), "TIFF", compression="group4")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        add(f"{compression}.TIFF", color, "TIFF", compression=compression)
    add("pages.TIFF", page, "TIFF", save_all=True, append_images=[page, page])
    return made


def dicom_files() -> dict[str, bytes]:
    """The smaller files of pydicom with pixels, as MR and with a name planted in them."""
    import pydicom

    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    made = {}
    for path in sorted(folder.glob("*.dcm")):
        if path.stat().st_size > 150_000:
            continue
        try:
            dataset = pydicom.dcmread(path)
            dataset.Modality = "MR"
            dataset.PatientName = dataset.PatientID = SECRET
            stream = io.BytesIO()
            dataset.save_as(stream)
            made[path.name] = stream.getvalue()
        except Exception:
            made[path.name] = path.read_bytes()  # some are broken on purpose, and welcome
    return made


def nifti_files() -> dict[str, bytes]:
    """The volumes of nibabel, and small ones of several types."""
    import nibabel

    folder = Path(nibabel.__file__).parent / "tests" / "data"
    made = {path.name: path.read_bytes() for path in sorted(folder.glob("*.nii*"))}
    made |= {path.name: path.read_bytes() for path in sorted(folder.glob("nifti*.hdr"))}
    voxels = np.random.default_rng(0).normal(100, 30, (20, 22, 6))
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        for dtype in (np.uint8, ">i2", np.float32, np.float64, np.uint64):
            volume = kind(voxels.astype(dtype), np.diag([-1, 1, 3, 1]), dtype=np.dtype(dtype))
            volume.header["descrip"] = SECRET
            made[f"{kind.__name__}-{np.dtype(dtype).name}"] = volume.to_bytes()
    return {name: data for name, data in made.items() if len(data) < 400_000}


def seeds() -> list[tuple[str, bytes]]:
    """All seeds in a fixed order."""
    return [*pictures().items(), *dicom_files().items(), *nifti_files().items()]


def mutated(number: int, kept: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Input of a number: which seed, and its bytes after some changes; packed as it was."""
    rng = np.random.default_rng(number)
    name, data = kept[rng.integers(len(kept))]
    packed = data[:2] == b"\x1f\x8b" and rng.random() < 0.8
    content = bytearray(gzip.decompress(data) if packed else data)
    for _ in range(rng.integers(1, 9)):
        change(content, rng, kept)
    content = bytes(content)
    if packed or rng.random() < 0.01:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        content = packer.compress(content) + packer.flush()
    return name, content


def change(content: bytearray, rng: np.random.Generator, kept: list) -> None:
    """Change a file in place; headers stand at its start, so half of the changes do too."""
    reach = len(content) if rng.random() < 0.4 else min(len(content), 1024)
    at = int(rng.integers(reach)) if reach else 0
    how = rng.integers(8)
    if how == 0:
        content[at : at + 1] = bytes([rng.integers(256)])
    elif how == 1 and content:
        content[min(at, len(content) - 1)] ^= 1 << int(rng.integers(8))
    elif how == 2:
        token = TOKENS[rng.integers(len(TOKENS))]
        content[at : at + len(token)] = token
    elif how == 3:
        del content[at : at + int(rng.integers(1, 64))]
    elif how == 4 and rng.random() < 0.3:
        del content[at:]
    elif how == 5:
        piece = content[at : at + int(rng.integers(1, 256))]
        content[at:at] = piece * int(rng.integers(1, 4))
    elif how == 6:
        other = kept[rng.integers(len(kept))][1]
        start = int(rng.integers(max(1, len(other))))
        piece = other[start : start + int(rng.integers(1, 128))]
        content[at : at + len(piece)] = piece
    elif how == 7:
        content[at : at + 4] = int(rng.integers(2**32)).to_bytes(4, "little")


def read(content: bytes) -> str:
    """Read one input as serving does; what it came to."""
    from tumorscope_serving.bounds import UnreadableSliceError
    from tumorscope_serving.decoding import read_frames
    from tumorscope_serving.slices import frame_slice

    said, outcome = [], "read"
    try:
        frames = read_frames(content)
        for index in range(frames.count):
            try:
                one = frame_slice(frames.gray(index), 128, "head")
                assert one.shape == (128, 128) and one.dtype == np.uint8
            except UnreadableSliceError as error:
                said.append(str(error))
    except UnreadableSliceError as error:
        said.append(str(error))
        outcome = "refused"
    if any(word in " ".join(said) for word in SECRET.split("^")):
        raise AssertionError("An error repeats the file.")
    return outcome


def work(connection, log: Path) -> None:
    """The child: reads inputs by their number, says what they came to."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.dup2(2, 1)
    kept = seeds()
    connection.send("ready")
    while True:
        number = connection.recv()
        try:
            connection.send((read(mutated(number, kept)[1]), ""))
        except Exception as error:
            connection.send((type(error).__name__, traceback.format_exc()))


class Child:
    """A watched process that reads inputs; `ask` starts a new one after a death."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process = None

    def ask(self, number: int) -> tuple[str, str]:
        if self._process is None:
            self._start()
        self._connection.send(number)
        try:
            if self._connection.poll(HANG_S):
                return self._connection.recv()
            outcome = ("hang", f"no answer after {HANG_S:.0f} s")
        except EOFError:
            outcome = ("dead", "")
            self._process.join(5)
        self._process.kill()
        self._process.join()
        outcome = (outcome[0], f"{outcome[1]} exit code {self._process.exitcode}")
        self._process = None
        return outcome

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, self._log), daemon=True)
        self._process.start()
        theirs.close()
        if self._connection.recv() != "ready":
            raise RuntimeError("The child did not start.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--start", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", type=int, help="make this one input and read it in this process")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    settings = parser.parse_args()
    if settings.only is not None:
        name, content = mutated(settings.only, seeds())
        print(f"{name}, {len(content)} bytes: {read(content)}")
        return 0
    settings.out.mkdir(parents=True, exist_ok=True)
    log, kept = settings.out / "child.log", seeds()
    child, number, counts, findings = Child(log), settings.start, {}, 0
    end = time.monotonic() + settings.seconds
    while time.monotonic() < end:
        outcome, detail = child.ask(number)
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome not in ("read", "refused"):
            findings += 1
            name, content = mutated(number, kept)
            (settings.out / f"{number}-{outcome}.bin").write_bytes(content)
            print(json.dumps({"number": number, "seed": name, "outcome": outcome}), flush=True)
            print(detail, flush=True)
        number += 1
    child.close()
    said = log.read_bytes() if log.exists() else b""
    leaked = [word for word in SECRET.split("^") if word.encode() in said]
    print(f"{number - settings.start} inputs of {len(kept)} seeds: {counts}")
    print(f"{len(said)} bytes on the child's streams, a planted name in them: {bool(leaked)}")
    return int(findings > 0 or bool(leaked))


if __name__ == "__main__":
    sys.exit(main())
