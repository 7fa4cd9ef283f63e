"""Who runs against whom: every peer in every form, precision and instruction-set cap that a row of the table allows."""

from dataclasses import dataclass
from pathlib import Path

import inputs

PEERS_FOLDER = Path(__file__).resolve().parent / "peers"
SKIFF = "skiff"
MEMORY_MIB = "16384"  # that Skiff's activations may take: VGG in batches needs more than its default

# The rungs of SKIFF_ISA, lowest first, and the cap that gives oneDNN (in Paddle and OpenVINO) the same instructions;
# with AVX-512 VNNI, those for bfloat16 as well, where the CPU has them.
# ONNX Runtime's kernels cannot be capped: on a CPU that has more than the row's rung it is left out.
ONEDNN_CAPS = {"scalar": "SSE41", "avx2": "AVX2", "avx_vnni": "AVX2_VNNI", "avx512bw": "AVX512_CORE",
               "avx512_vnni": "AVX512_CORE_BF16", "amx": "DEFAULT"}
# Peers may be faster without the row's own instructions: OpenVINO on MobileNetV2 is, without AMX.
LOWER_CAPS = {"amx": ("avx512_vnni",)}
BF16_RUNGS = ("avx512_vnni", "amx")


@dataclass(frozen=True)
class Contestant:
    name: str  # "openvino nncf bf16 <avx512_vnni"
    peer: str  # "skiff" or its adapter's
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Row:
    """What one line of the table is about."""
    net: str
    precision: str  # fp32, int8, bf16
    batch: int
    threads: int
    isa: str


@dataclass(frozen=True)
class Programs:
    skiffs: dict[str, str]  # name -> path of the command line
    venvs: Path | None  # as make_venvs.sh made them; None: Skiff alone


def named_programs(texts: list[str]) -> dict[str, str]:
    """name -> path, of "[NAME=]PATH"; the first without a name is Skiff itself."""
    programs = {}
    for number, text in enumerate(texts, start=1):
        name, given, path = text.partition("=")
        programs[name if given else SKIFF if number == 1 else f"{SKIFF} {number}"] = path if given else text
    return programs


def skiff_model(row: Row, folder: Path) -> Path:
    return folder / ("int8_onnx" if row.precision == "int8" else "float")


def skiff_arguments(row: Row, folder: Path, fed: Path | None) -> tuple[str, ...]:
    """What tells Skiff's verbs a row. `fed`: the folder of its inputs, None for a picture."""
    return ("--model_dir", str(skiff_model(row, folder)), "--precision", row.precision, "--threads", str(row.threads),
            "--batch_size", str(row.batch), "--memory_limit", MEMORY_MIB, *inputs.skiff_arguments(fed))


def _skiff(row: Row, folder: Path, fed: Path | None, name: str, binary: str) -> Contestant:
    command = (binary, "bench", "--serve", *skiff_arguments(row, folder, fed))
    return Contestant(name, SKIFF, command, (("SKIFF_ISA", row.isa),))


def _peer(row: Row, venvs: Path, fed: Path | None, peer: str, model: Path, label: str, precision: str,
          cap: str) -> Contestant:
    venv = "paddle26" if peer == "paddle" else "peers"
    command = (str(venvs / venv / "bin/python"), str(PEERS_FOLDER / f"{peer}_peer.py"), str(model), "--precision",
               precision, "--threads", str(row.threads), "--batch", str(row.batch),
               *(("--inputs", str(fed)) if fed else ()))
    name = f"{peer} {label}" + ("" if cap == row.isa else f" <{cap}")
    threads = (("OMP_NUM_THREADS", str(row.threads)),) if peer == "paddle" else ()
    caps = ((variable, ONEDNN_CAPS[cap]) for variable in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
    return Contestant(name, peer, command, (*caps, *threads))


def _forms(row: Row) -> list[tuple[str, str, str, str]]:
    """(peer, file or folder, label, precision asked for)."""
    if row.precision == "fp32":
        return [("paddle", "float", "fp32", "fp32"), ("onnxruntime", "fp32.onnx", "fp32", "fp32"),
                ("openvino", "fp32.onnx", "fp32", "fp32")]
    if row.precision == "bf16":
        return [("paddle", "float", "bf16", "bf16"), ("openvino", "fp32.onnx", "bf16", "bf16")]
    forms = [("paddle", "int8_onnx", "onnx_format", "int8"), ("paddle", "int8_old", "old format", "int8"),
             ("onnxruntime", "qdq.onnx", "qdq", "int8"), ("openvino", "qdq.onnx", "qdq", "int8"),
             ("openvino", "nncf.xml", "nncf", "int8")]
    if row.isa in BF16_RUNGS:
        forms += [("openvino", "qdq.onnx", "qdq bf16", "bf16"), ("openvino", "nncf.xml", "nncf bf16", "bf16")]
    return forms


def contestants(row: Row, folder: Path, programs: Programs, highest_isa: str,
                fed: Path | None = None) -> list[Contestant]:
    """Those of a row, Skiff first. `highest_isa` is what the CPU has; forms that are not in `folder` are left out.
    `fed` is the folder of the row's inputs (inputs.py), None for a picture."""
    chosen = [_skiff(row, folder, fed, name, binary) for name, binary in programs.skiffs.items()]
    if programs.venvs is None:
        return chosen
    for peer, file, label, precision in _forms(row):
        if not (folder / file).exists() or (peer == "onnxruntime" and row.isa != highest_isa):
            continue
        caps = (row.isa,) if peer == "onnxruntime" else (row.isa, *LOWER_CAPS.get(row.isa, ()))
        chosen += [_peer(row, programs.venvs, fed, peer, folder / file, label, precision, cap) for cap in caps]
    return chosen
