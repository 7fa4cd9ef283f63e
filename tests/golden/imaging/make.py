#!/usr/bin/env python3
"""Makes the pictures of this folder and what Pillow and numpy make of them.

  python3 tests/golden/imaging/make.py     (needs Pillow 13 and numpy; the files are committed)

decode/NAME.{png,jpg} and NAME.rgb   the pixels of Image.open(f).convert("RGB")
resize/source.png and INTERPOLATION_WxH.png
preprocess/cases.txt   NAME and the text of a preprocess.json; NAME_{wide,tall}.f32: the floats, planes first
imagenet/{wide,tall}.f32   the same pictures as PaddleSlim's data files of ImageNet hold them: short side 20, cut to 14
"""
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent


def picture(width, height, channels, seed):
    """Waves, edges and noise: smooth enough for JPEG, sharp enough to show a wrong filter."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        wave = 127 + 90 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c * 0.5))
        edge = np.where((x + 2 * y + 5 * c) % 17 < 4, 120, 0)
        planes.append(wave + edge + rng.normal(0, 6, wave.shape))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def write_png(path, samples, depth, colour_type, palette=None, transparency=None):
    """samples: height x width x channels, in 0 .. 2^depth - 1. Pillow writes few of these forms."""
    height, width, _ = samples.shape
    rows = []
    for row in samples.reshape(height, -1):
        if depth == 16:
            data = row.astype(">u2").tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            data = np.packbits(bits.reshape(-1)).tobytes()
        rows.append(b"\0" + data)
    out = b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    if palette is not None:
        out += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if transparency is not None:
        out += chunk(b"tRNS", transparency)
    out += chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b"")
    path.write_bytes(out)


def make_pngs(folder):
    rng = np.random.default_rng(1)
    width, height = 13, 9
    for colour_type, channels, depths in [(0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)),
                                          (3, 1, (1, 2, 4, 8)), (4, 2, (8, 16)), (6, 4, (8, 16))]:
        for depth in depths:
            samples = rng.integers(0, 1 << depth, (height, width, channels))
            palette = rng.integers(0, 256, (1 << depth, 3)) if colour_type == 3 else None
            name = {0: "grey", 2: "rgb", 3: "palette", 4: "grey_alpha", 6: "rgba"}[colour_type]
            write_png(folder / f"{name}_{depth}.png", samples, depth, colour_type, palette)
    samples = rng.integers(0, 16, (height, width, 1))
    write_png(folder / "palette_transparent_4.png", samples, 4, 3, rng.integers(0, 256, (16, 3)),
              bytes(range(0, 160, 10)))
    write_png(folder / "rgb_transparent_8.png", rng.integers(0, 3, (height, width, 3)), 8, 2, None,
              struct.pack(">HHH", 1, 2, 1))
    write_png(folder / "grey_transparent_2.png", rng.integers(0, 4, (height, width, 1)), 2, 0, None,
              struct.pack(">H", 2))


def make_jpegs(folder):
    rgb = Image.fromarray(picture(45, 35, 3, 2))
    for name, image, options in [
            ("yuv420", rgb, {"subsampling": 2}), ("yuv422", rgb, {"subsampling": 1}),
            ("yuv444", rgb, {"subsampling": 0}), ("progressive", rgb, {"progressive": True}),
            ("grey", rgb.convert("L"), {}), ("cmyk", rgb.convert("CMYK"), {}),
            ("rgb", rgb, {"keep_rgb": True})]:
        image.save(folder / f"{name}.jpg", quality=85, **options)
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save(folder / "rotated.jpg", quality=85, exif=exif)


def make_decode():
    folder = HERE / "decode"
    folder.mkdir(exist_ok=True)
    make_pngs(folder)
    make_jpegs(folder)
    for path in sorted(folder.glob("*.png")) + sorted(folder.glob("*.jpg")):
        image = Image.open(path)
        if image.mode == "I;16":  # Pillow clips these to 255; Skiff keeps the high byte
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        path.with_suffix(".rgb").write_bytes(image.convert("RGB").tobytes())


def make_resize():
    folder = HERE / "resize"
    folder.mkdir(exist_ok=True)
    source = Image.fromarray(picture(37, 29, 3, 3))
    source.save(folder / "source.png", optimize=True)
    filters = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC,
               "lanczos": Image.LANCZOS}
    for name, value in filters.items():
        for width, height in [(20, 16), (53, 41), (37, 11), (12, 29), (1, 1), (7, 60), (30, 15), (31, 14)]:
            result = source.resize((width, height), value)
            result.save(folder / f"{name}_{width}x{height}.png", optimize=True)


def python_pipeline(image, p):
    """The plain Python that Skiff's preprocessing answers to."""
    width, height = image.size
    interpolation = getattr(Image, p.get("interpolation", "bilinear").upper())
    if "resize" in p:
        image = image.resize((p["resize"][1], p["resize"][0]), interpolation)
    elif p["resize_short"]:
        short = p["resize_short"]
        if width <= height:
            size = (short, int(round(height * short / width)))
        else:
            size = (int(round(width * short / height)), short)
        image = image.resize(size, interpolation)
    if p["crop_size"]:
        left = (image.size[0] - p["crop_size"]) // 2
        top = (image.size[1] - p["crop_size"]) // 2
        image = image.crop((left, top, left + p["crop_size"], top + p["crop_size"]))
    x = np.asarray(image).astype(np.float32)
    if p.get("channel_order", "rgb") == "bgr":
        x = x[:, :, ::-1]
    scale = np.float32(p.get("scale", 0.00392157))
    mean = np.array(p.get("mean", [0.485, 0.456, 0.406]), np.float32)
    std = np.array(p.get("std", [0.229, 0.224, 0.225]), np.float32)
    return np.ascontiguousarray(((x * scale - mean) / std).transpose(2, 0, 1))


def make_preprocess():
    folder = HERE / "preprocess"
    folder.mkdir(exist_ok=True)
    source = Image.fromarray(picture(40, 32, 3, 4))
    source.save(folder / "wide.png", optimize=True)
    source.transpose(Image.ROTATE_90).save(folder / "tall.png", optimize=True)
    cases = [
        ("short_side", {"resize_short": 24, "crop_size": 19}),
        ("half_to_even", {"resize_short": 10, "crop_size": 0}),
        ("no_resize", {"resize_short": 0, "crop_size": 20}),
        ("exact", {"resize": [16, 24], "crop_size": 0, "interpolation": "bicubic"}),
        ("bgr", {"resize_short": 20, "crop_size": 16, "channel_order": "bgr", "scale": 1.0,
                 "mean": [103.939, 116.779, 123.68], "std": [1, 1, 1]}),
        ("signed", {"resize_short": 17, "crop_size": 16, "scale": 0.0078125, "mean": [1, 1, 1],
                    "std": [1, 1, 1], "interpolation": "lanczos"}),
    ]
    lines = []
    for name, p in cases:
        for shape in ("wide", "tall"):
            values = python_pipeline(Image.open(folder / f"{shape}.png"), p)
            (folder / f"{name}_{shape}.f32").write_bytes(values.astype("<f4").tobytes())
        lines.append(f"{name} {json.dumps(p)}\n")
    (folder / "cases.txt").write_text("".join(lines))


def make_imagenet():
    """In float64 where the script's arrays are; Pillow rounds the corners of the cut, 5.5 to 6."""
    (HERE / "imagenet").mkdir(exist_ok=True)
    for shape in ("wide", "tall"):
        image = Image.open(HERE / "preprocess" / f"{shape}.png")
        factor = 20.0 / min(image.size)
        image = image.resize(tuple(int(round(side * factor)) for side in image.size), Image.LANCZOS)
        left, top = ((side - 14) / 2 for side in image.size)
        image = image.crop((left, top, left + 14, top + 14))
        planes = np.array(image).astype("float32").transpose(2, 0, 1) / 255
        planes -= np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1)
        planes /= np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
        (HERE / "imagenet" / f"{shape}.f32").write_bytes(planes.tobytes())


if __name__ == "__main__":
    make_decode()
    make_resize()
    make_preprocess()
    make_imagenet()
