"""The least time that a machine allows a network: the sum over its layers of the longer of arithmetic and transport.

Peaks and bandwidths are measured by the program `roofline` (roofline/). A layer's arithmetic is its multiply-adds at the
peak of its precision on its rung. Its transport is its activations, read and written, at the bandwidth of the smallest
cache that holds them, and its weights at that of the smallest that holds the weights of the whole network, because all
of them pass between two uses of one.
"""

import math
from dataclasses import dataclass

# Operators whose multiply-adds are with weights of the model. Skiff makes an fc of a product with a constant
# matrix: what it still calls matmul or matmul_v2 multiplies two activations.
CONVOLUTIONS = ("conv2d", "depthwise_conv2d", "fused_conv2d")
PRODUCTS = ("mul", "fc")
WEIGHT_BYTES = {"int8": 1, "bf16": 2}  # else 4


@dataclass(frozen=True)
class Machine:
    """At one clock: a machine's own moves from minute to minute."""
    peaks: dict  # rung -> {"fp32": G multiply-adds a second, "int8": the same}
    bandwidths: list  # [bytes that fit, GB/s], smallest level first; the last is memory

    @staticmethod
    def from_json(measured: dict, ghz: float) -> "Machine":
        peaks = {rung: {kind: ghz * max(chains.values()) for kind, chains in kinds.items()}
                 for rung, kinds in measured["peaks_per_cycle"].items()}
        levels = measured["bandwidths"]
        # The caches of a core run at its clock, what cores share does not.
        own = [(level["bytes"], ghz * level["bytes_per_cycle"]) for level in levels[:2]]
        return Machine(peaks, own + [(level["bytes"], level["gb_per_s"]) for level in levels[2:]])

    def peak(self, isa: str, precision: str) -> float:
        kinds = self.peaks[isa]
        return kinds.get(precision, kinds["fp32"])

    def bandwidth(self, footprint: float) -> float:
        return next((speed for fits, speed in self.bandwidths[:-1] if footprint <= fits), self.bandwidths[-1][1])


def weights(layer: dict) -> int:
    """How many weights: each meets every place of the output once."""
    out = layer["output_shape"]
    if layer["op"] in CONVOLUTIONS:
        places = out[0] * out[2] * out[3]
    elif layer["op"] in PRODUCTS:
        places = math.prod(out[:-1])
    else:
        return 0
    return layer["multiply_adds"] // places if places else 0


def weight_bytes(layer: dict) -> int:
    return weights(layer) * WEIGHT_BYTES.get(layer["precision"], 4)


def layer_ms(machine: Machine, isa: str, layer: dict, all_weight_bytes: int, threads: int = 1) -> float:
    arithmetic = layer["multiply_adds"] / (machine.peak(isa, layer["precision"]) * 1e6 * threads)
    activations = layer["activation_bytes"]
    transport = activations / (machine.bandwidth(activations) * 1e6 * threads)
    transport += weight_bytes(layer) / (machine.bandwidth(all_weight_bytes) * 1e6)
    return max(arithmetic, transport)


def net_ms(machine: Machine, isa: str, layers: list[dict], threads: int = 1) -> float:
    total = sum(weight_bytes(layer) for layer in layers)
    return sum(layer_ms(machine, isa, layer, total, threads) for layer in layers)
