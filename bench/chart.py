"""Bar charts as SVG: groups of bars on a line of zero, a value above each, a tick where a group has a limit."""

from dataclasses import dataclass
from html import escape

BAR, GAP, HEIGHT, TOP, BOTTOM, LEFT = 22, 26, 220, 48, 40, 12
COLOURS = ("#1b6ca8", "#c8553d", "#e0a030", "#5f8f5a", "#7a6c9e", "#888888")


@dataclass(frozen=True)
class Group:
    name: str
    values: dict[str, float]  # what a bar stands for -> its height
    limit: float | None = None
    unit: str = ""  # of the printed values


def _bar(x: float, height: float, colour: str, text: str, title: str) -> str:
    y = TOP + HEIGHT - height
    return (f'<rect x="{x:.0f}" y="{y:.1f}" width="{BAR - 2}" height="{height:.1f}" fill="{colour}">'
            f"<title>{escape(title)}</title></rect>"
            f'<text x="{x + BAR / 2 - 1:.0f}" y="{y - 3:.1f}" text-anchor="middle" class="v">{escape(text)}</text>')


def bars(title: str, groups: list[Group], limit_name: str = "") -> str:
    """Every group has its own scale: its highest bar or limit fills the chart."""
    names = list(dict.fromkeys(name for group in groups for name in group.values))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    group_width = BAR * len(names) + GAP
    width = max(2 * LEFT + group_width * len(groups), 640)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + BOTTOM}" '
             'font-family="sans-serif">',
             "<style>.v{font-size:8px;fill:#333}.n{font-size:12px;fill:#222}</style>",
             f'<rect width="{width}" height="{TOP + HEIGHT + BOTTOM}" fill="white"/>',
             f'<text x="{LEFT}" y="16" class="n" font-weight="bold">{escape(title)}</text>']
    for i, name in enumerate(names):
        parts.append(f'<rect x="{LEFT + 115 * i}" y="24" width="10" height="10" fill="{colours[name]}"/>'
                     f'<text x="{LEFT + 14 + 115 * i}" y="33" class="n">{escape(name)}</text>')
    if limit_name:
        x = LEFT + 115 * len(names)
        parts.append(f'<line x1="{x}" x2="{x + 12}" y1="29" y2="29" stroke="black" stroke-dasharray="3 2"/>'
                     f'<text x="{x + 16}" y="33" class="n">{escape(limit_name)}</text>')
    for g, group in enumerate(groups):
        left = LEFT + g * group_width + GAP / 2
        top = max([*group.values.values(), group.limit or 0]) or 1
        for name, value in group.values.items():
            parts.append(_bar(left + BAR * names.index(name), value / top * (HEIGHT - 10), colours[name],
                              f"{value:.3g}", f"{group.name}, {name}: {value:.4g} {group.unit}".strip()))
        if group.limit:
            y = TOP + HEIGHT - group.limit / top * (HEIGHT - 10)
            parts.append(f'<line x1="{left - 3:.0f}" x2="{left + BAR * len(names) + 1:.0f}" y1="{y:.1f}" y2="{y:.1f}" '
                         f'stroke="black" stroke-dasharray="3 2"><title>{group.limit:.4g} {escape(group.unit)}</title></line>')
        parts.append(f'<text x="{left + BAR * len(names) / 2:.0f}" y="{TOP + HEIGHT + 18}" text-anchor="middle" '
                     f'class="n">{escape(group.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
