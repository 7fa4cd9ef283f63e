"""What a network is fed that does not take one picture: a folder of NAME.npy for each input.

make_models.py leaves one sample of each beside the network's forms. compare.py repeats it to the batch of a row, so
that Skiff and its peers read the same files. Without NumPy: compare.py runs in any Python.
"""

import ast
from pathlib import Path

FOLDER = "inputs"
MAGIC, VERSION, ALIGNMENT = b"\x93NUMPY", b"\x01\x00", 64  # of the format of .npy


def repeated(npy: bytes, batch: int) -> bytes:
    """A file of one sample, as one of `batch` equal ones."""
    length_bytes = 2 if npy[6:7] == VERSION[:1] else 4
    start = 8 + length_bytes
    end = start + int.from_bytes(npy[8:start], "little")
    if npy[:6] != MAGIC or len(npy) < end:
        raise ValueError("no .npy file")
    header = ast.literal_eval(npy[start:end].decode("latin1"))
    if header["fortran_order"] or header["shape"][:1] != (1,):
        raise ValueError("not one sample in C order")
    text = repr({**header, "shape": (batch, *header["shape"][1:])}).encode("latin1")
    padding = -(len(MAGIC + VERSION) + 2 + len(text) + 1) % ALIGNMENT
    text += b" " * padding + b"\n"
    return MAGIC + VERSION + len(text).to_bytes(2, "little") + text + npy[end:] * batch


def of_batch(network: Path, batch: int, out: Path) -> Path | None:
    """`out`, filled with the inputs of a network, or None where it takes a picture."""
    if not (network / FOLDER).is_dir():
        return None
    for file in sorted((network / FOLDER).glob("*.npy")):
        try:
            (out / file.name).write_bytes(repeated(file.read_bytes(), batch))
        except ValueError as error:
            raise SystemExit(f"{file}: {error}") from error
    return out


def skiff_arguments(folder: Path | None) -> tuple[str, ...]:
    files = sorted(folder.glob("*.npy")) if folder else []
    return tuple(argument for file in files for argument in ("--input", f"{file.stem}={file}"))
