"""The results as a bar chart, an SVG file in the style of the course's pictures: a bar a row, a colour a program,
and a thin line from the fastest round to the slowest."""

from html import escape

from rows import BarScale
from text import against, printable, shortened, time_text

COLOURS = "#2f6fbd #c65a11 #2c8a57 #8256b8 #c2365a #0f8488 #8a6400 #5d6b7e".split()
WIDTH, LEFT, RIGHT, TOP = 880, 22, 858, 58
ROW, BAR, TEXTS = 30, 20, 200  # the height of a row and of its bar; the room for what stands behind it

STYLE = (
    """<style>
text { font: 15px -apple-system, "Segoe UI", "Helvetica Neue", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-size: 18px; font-weight: 600; } .value { fill: #59636e; }
.total { font-weight: 600; } .name { font-weight: 500; } .end { text-anchor: end; }
.card { fill: #fff; stroke: #d1d9e0; } .axis { stroke: #818b98; }
.spread { stroke: #1f2328; stroke-opacity: .6; stroke-width: 1.5; }
"""
    + "".join(f".c{i} {{ fill: {colour}; }} " for i, colour in enumerate(COLOURS))
    + """
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .value { fill: #9198a1; }
.card { fill: #151b23; stroke: #3d444d; } .axis { stroke: #656c76; } .spread { stroke: #f0f6fc; }
}
</style>
"""
)


def width_of(text):
    """Returns about how wide a text is: the reader's font is not known."""
    return 0.58 * 15 * len(text)


class Chart:
    """Draws from top to bottom. What is drawn later covers what was drawn before."""

    def __init__(self, groups, programs, title):
        self.programs, self.title, self.body, self.y = programs, title, "", TOP
        variants = [shortened(row.variant, 24) for group in groups for row in group.rows]
        self.left = LEFT + max([60] + [width_of(variant) for variant in variants]) + 12
        self.text(LEFT, 36, "title", title)
        for group in groups:
            self.group(group)
        if len(programs) > 1:
            self.legend()

    def __str__(self):
        """Returns the whole file."""
        height = self.y + 8
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
            f'height="{height:g}" role="img">\n<title>{escape(printable(self.title))}</title>\n{STYLE}'
            f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:g}" rx="8" class="card"/>\n'
            f"{self.body}</svg>\n"
        )

    def text(self, x, y, style, text):
        self.body += f'<text x="{x:.2f}" y="{y:.2f}" class="{style}">{escape(printable(text))}</text>\n'

    def line(self, x1, y1, x2, y2, style):
        self.body += f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" class="{style}"/>\n'

    def rect(self, x, y, width, height, style, tooltip):
        self.body += (
            f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height}" rx="{min(3, width / 2):.2f}" '
            f'class="{style}"><title>{escape(printable(tooltip))}</title></rect>\n'
        )

    def colour(self, program):
        return f"c{self.programs.index(program) % len(COLOURS)}"

    def group(self, group):
        scale = BarScale(group)
        self.text(LEFT, self.y + 14, "total", group.name)
        scale_name = "time per item, log scale" if scale.logarithmic else "time per item"
        self.text(RIGHT, self.y + 14, "value end", scale_name)
        self.y += 24
        self.line(self.left, self.y, self.left, self.y + ROW * len(group.rows), "axis")
        previous = None
        for row in group.rows:
            if row.variant != previous:
                self.text(self.left - 12, self.y + 20, "name end", shortened(row.variant, 24))
            previous = row.variant
            if row.measured:
                self.row(row, group.baseline, scale)
            else:
                self.text(self.left + 8, self.y + 20, "value", "failed")
            self.y += ROW
        self.y += 22

    def row(self, row, baseline, scale):
        middle, fastest, slowest = self.y + ROW / 2, min(row.times), max(row.times)

        def x_of(time):
            return self.left + (RIGHT - TEXTS - self.left) * scale.length(time)

        time = time_text(row.time)
        self.rect(
            self.left, middle - BAR / 2, max(x_of(row.time) - self.left, 1.5), BAR, self.colour(row.program),
            f"{row.program.label} {row.name}: {time}, from {time_text(fastest)} to {time_text(slowest)}",
        )
        self.line(x_of(fastest), middle, x_of(slowest), middle, "spread")
        for edge in fastest, slowest:
            self.line(x_of(edge), middle - 4, x_of(edge), middle + 4, "spread")
        x = x_of(slowest) + 10
        self.text(x, self.y + 20, "total", time)
        words = "baseline" if row is baseline else against(row.time, baseline.time)
        self.text(x + width_of(time) + 8, self.y + 20, "value", words)

    def legend(self):
        x = self.left
        for program in self.programs:
            if program.error:
                continue
            self.rect(x, self.y + 2, 20, 14, self.colour(program), program.label)
            self.text(x + 28, self.y + 14.5, "value", program.label)
            x += width_of(program.label) + 50
        self.y += 26
