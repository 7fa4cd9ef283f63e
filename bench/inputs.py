"""What a network is fed where it does not take one picture: OUT/inputs/BATCH/NAME.npy for each input, as make_models.py leaves them."""

import sys
from pathlib import Path

FOLDER = "inputs"


def of_batch(network: Path, batch: int) -> Path | None:
    """The folder of arrays, or None where the network takes a picture."""
    if not (network / FOLDER).is_dir():
        return None
    folder = network / FOLDER / str(batch)
    if not folder.is_dir():
        sys.exit(f"{network}: no inputs for batches of {batch} (make_models.py --batches)")
    return folder


def skiff_arguments(folder: Path | None) -> tuple[str, ...]:
    paths = sorted(folder.glob("*.npy")) if folder else []
    return tuple(argument for path in paths for argument in ("--input", f"{path.stem}={path}"))
