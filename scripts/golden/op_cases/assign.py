"""Cases of src/ops/assign."""


def build(m):
    x = m.feed("x", m.normal(3, 4))
    m.case("assign", {"X": x}, tolerance=0)
    for attrs in ({"dropout_prob": 0.3}, {"dropout_prob": 0.0},
                  {"dropout_prob": 0.3, "dropout_implementation": "upscale_in_train"},
                  {"dropout_prob": 0.3, "dropout_implementation": "downgrade_in_infer"}):
        m.case("dropout", {"X": x}, {"Out": "float32", "Mask": "uint8"}, {"is_test": True, **attrs},
               "", 1e-7, ["Out"])
