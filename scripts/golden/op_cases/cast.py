"""Cases of src/ops/cast."""
import numpy as np

NUMBERS = {"bool": 0, "int32": 2, "int64": 3, "float32": 5, "uint8": 20}


def build(m):
    sources = {
        "float32": m.feed("f", np.array([0, -0.0, 0.5, -0.9, 1.5, 2.7, 100.2, 3e4], "float32")),
        "int32": m.feed("i", np.array([0, 1, 2, 127, 255, 70000], "int32")),
        "int64": m.feed("j", np.array([0, 1, 5, 2**31 + 5, 2**40], "int64")),
    }
    for source, x in sources.items():
        for target, number in NUMBERS.items():
            if source == "float32" and target == "uint8":
                continue  # out of range: what it gives is the machine's choice
            m.case("cast", {"X": x}, {"Out": target},
                   {"in_dtype": NUMBERS[source], "out_dtype": number}, tolerance=0)
    truth = m.op("cast", {"X": sources["int32"]}, {"Out": "bool"}, {"in_dtype": 2, "out_dtype": 0})
    m.case("cast", {"X": truth}, {"Out": "float32"}, {"in_dtype": 0, "out_dtype": 5}, tolerance=0)
    m.case("logical_not", {"X": truth}, {"Out": "bool"})
