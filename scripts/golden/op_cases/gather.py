"""Cases of src/ops/gather."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(5, 4, 3))
    index = m.feed("index", np.array([4, 0, 0, 2], "int64"))
    column = m.feed("column", np.array([[3], [1]], "int32"))
    m.case("gather", {"X": x, "Index": index}, attrs={"axis": 0}, tolerance=0)
    m.case("gather", {"X": x, "Index": column}, attrs={"axis": 0}, tolerance=0)
    axis = m.param(np.array([1], "int32"), "axis")
    three = m.feed("three", np.array([3, 0, 1], "int32"))
    m.case("gather", {"X": x, "Index": three}, attrs={"axis": 2 - 1}, note="axis 1", tolerance=0)
    m.case("gather", {"X": x, "Index": three, "Axis": axis}, attrs={"axis": 0}, note="Axis",
           tolerance=0)
    m.case("index_select", {"X": x, "Index": three}, attrs={"dim": 1}, tolerance=0)
    table = m.param(m.normal(7, 4), "table")
    ids = m.feed("ids", m.integers(0, 7, 2, 3))
    rows = m.feed("rows", m.integers(0, 7, 5, 1))
    m.case("lookup_table_v2", {"W": table, "Ids": ids}, tolerance=0)
    m.case("lookup_table_v2", {"W": table, "Ids": ids}, attrs={"padding_idx": 3}, tolerance=0)
    m.case("lookup_table", {"W": table, "Ids": rows}, tolerance=0)
