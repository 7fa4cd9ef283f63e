#!/usr/bin/env python3
"""Pages of text for judging a quantised text detector, and the figure that judges it.

    scripts/ocr_pages.py make DIR [--pages 9] [--seed 0]   pages of 736 x 960 as DIR/page_NN.png
    scripts/ocr_pages.py iou A B [--threshold 0.3]         pooled mask IoU of the .npy maps in A and B

The pages are drawn with whatever DejaVu and Liberation fonts lie below /usr/share/fonts (Debian's
fonts-dejavu-core, fonts-liberation): columns, headings, tables, slanted and pale text on plain and
shaded paper. The maps are what `skiff run --output DIR` writes, one for each page in the same order.
Needs Pillow and numpy.
"""
import argparse
import pathlib
import random
import sys

WIDTH, HEIGHT = 736, 960
WORDS = (
    "the quick brown fox jumps over a lazy dog while seven wizards boil pale water for tea and count "
    "boxes of liquor jugs; invoice total 1,284.50 due 14 March, item no. 7731-B, see page 12 below "
    "River Station Harbour Market Street Opening hours Monday to Friday Please keep left Exit"
).split()


def fonts():
    found = sorted(
        p
        for p in pathlib.Path("/usr/share/fonts").rglob("*.ttf")
        if p.name.startswith(("DejaVu", "Liberation"))
    )
    if not found:
        sys.exit("no DejaVu or Liberation font below /usr/share/fonts")
    return found


def paper(rng):
    """Plain or shaded, light or dark; returns the picture and a colour for ink."""
    from PIL import Image, ImageDraw

    dark = rng.random() < 0.2
    base = rng.randint(20, 70) if dark else rng.randint(200, 255)
    tint = [base + rng.randint(-12, 0) for _ in range(3)]
    image = Image.new("RGB", (WIDTH, HEIGHT), tuple(tint))
    if rng.random() < 0.5:
        draw = ImageDraw.Draw(image)
        fall = rng.randint(10, 45)
        for y in range(HEIGHT):
            shade = fall * y // HEIGHT
            draw.line([(0, y), (WIDTH, y)], fill=tuple(max(t - shade, 0) for t in tint))
    contrast = rng.randint(90, 190)
    ink = tuple(min(max(t + (contrast if dark else -contrast), 0), 255) for t in tint)
    return image, ink


def block(rng, image, ink, box, faces):
    """Lines of text in a box, in one face and size, some of them slanted."""
    from PIL import Image, ImageDraw, ImageFont

    left, top, right, bottom = box
    size = rng.choice([14, 16, 18, 22, 26, 34, 48])
    font = ImageFont.truetype(str(rng.choice(faces)), size)
    layer = Image.new("RGBA", (right - left, bottom - top), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    y = 4
    while y + size * 1.2 < bottom - top:
        line = ""
        for _ in range(rng.randint(1, 12)):
            longer = (line + " " + rng.choice(WORDS)).strip()
            if draw.textlength(longer, font=font) > right - left - 12:
                break
            line = longer
        draw.text((6, y), line, font=font, fill=ink + (255,))
        y += int(size * rng.uniform(1.3, 2.2))
    if rng.random() < 0.3:
        layer = layer.rotate(rng.uniform(-6, 6), resample=Image.BICUBIC)
    image.paste(layer, (left, top), layer)


def make(folder, pages, seed):
    folder.mkdir(parents=True, exist_ok=True)
    faces = fonts()
    for number in range(pages):
        rng = random.Random(seed * 1000 + number)
        image, ink = paper(rng)
        columns = rng.randint(1, 3)
        rows = rng.randint(2, 4)
        for column in range(columns):
            for row in range(rows):
                if rng.random() < 0.15:
                    continue
                box = (
                    column * WIDTH // columns + 12,
                    row * HEIGHT // rows + 12,
                    (column + 1) * WIDTH // columns - 12,
                    (row + 1) * HEIGHT // rows - 12,
                )
                block(rng, image, ink, box, faces)
        image.save(folder / f"page_{number:02}.png")


def iou(first, second, threshold):
    import numpy as np

    names = sorted(p.relative_to(first) for p in first.rglob("*.npy"))
    if not names or names != sorted(p.relative_to(second) for p in second.rglob("*.npy")):
        sys.exit(f"{first} and {second} do not hold maps of the same names")
    both = either = 0
    for name in names:
        a = np.load(first / name) > threshold
        b = np.load(second / name) > threshold
        both += int((a & b).sum())
        either += int((a | b).sum())
    print(f"{len(names)} maps, mask IoU at {threshold}: {both / max(either, 1):.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = verbs.add_parser("make")
    made.add_argument("folder", type=pathlib.Path)
    made.add_argument("--pages", type=int, default=9)
    made.add_argument("--seed", type=int, default=0)
    judged = verbs.add_parser("iou")
    judged.add_argument("first", type=pathlib.Path)
    judged.add_argument("second", type=pathlib.Path)
    judged.add_argument("--threshold", type=float, default=0.3)
    given = parser.parse_args()
    if given.verb == "make":
        make(given.folder, given.pages, given.seed)
    else:
        iou(given.first, given.second, given.threshold)


if __name__ == "__main__":
    main()
