"""Lanes of marks, bars and labels over an axis of time, as SVG. Labels of a lane
are put under each other where they would overlap."""

from xml.sax.saxutils import escape, quoteattr

WIDTH = 1160
LEFT, RIGHT = 250, 20
FONT = 11
CHAR = 6.5          # a character's width at most, of the widest common fonts
ROW = 17
LABEL_ROW = 13
MAX_LABEL_ROWS = 7
CHART = 44
GAP = 8

STYLE = """
  text { font: %dpx 'DejaVu Sans', Verdana, sans-serif; fill: #222; }
  .title { font-weight: bold; font-size: 13px; }
  .heading { font-weight: bold; }
  .small, .label { font-size: %dpx; }
  .back { fill: #fff; }
  .grid { stroke: #ddd; } .zero { stroke: #999; } .rule { stroke: #bbb; }
  .sent { stroke: #1668b8; fill: #1668b8; }
  .heard { stroke: #b8500c; fill: #b8500c; }
  .mark { stroke-width: 1.6; } .line { stroke-width: 3; opacity: .5; }
  .dial { fill: #9a7fd1; stroke: #6b4fa8; }
  .link { fill: #cfd6dc; }
  .relay { fill: #e0962e; stroke: #e0962e; }
  .direct { fill: #2f9e55; stroke: #2f9e55; }
  .suspect { fill: #d83a3a; opacity: .75; }
  .gap, .dead, .down { fill: #c02020; stroke: #c02020; }
  .proved { fill: #0b6b34; stroke: #0b6b34; } .note { fill: #666; stroke: #666; }
  .chart { fill: none; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd; } .back { fill: #15181c; }
    .grid { stroke: #2c3238; } .zero { stroke: #777; } .rule { stroke: #444; }
    .link { fill: #3d464e; }
    .sent { stroke: #62aef5; fill: #62aef5; }
    .heard { stroke: #f0935a; fill: #f0935a; }
    .proved { fill: #7be0a2; stroke: #7be0a2; }
    .note { fill: #aaa; stroke: #aaa; }
  }
""" % (FONT, FONT - 1)


def width_of(text):
    return len(text) * CHAR


def step_for(span, marks=10):
    """A round distance between marks of the axis."""
    step = 1e-3
    while True:
        for factor in (1, 2, 5):
            if span / (step * factor) <= marks:
                return step * factor
        step *= 10


class Lane:
    def __init__(self, panel, name):
        self.panel, self.name = panel, name
        self.shapes, self.rows = [], []     # rows: [(from, to, text)] each

    def _clip(self, since, until):
        since, until = max(since, self.panel.begin), min(until, self.panel.end)
        return (since, until) if since <= until else None

    def bar(self, style, since, until, hint):
        clipped = self._clip(since, until)
        if clipped:
            self.shapes.append(("bar", style, *clipped, hint))

    def line(self, style, since, until, hint):
        clipped = self._clip(since, until)
        if clipped:
            self.shapes.append(("line", style, *clipped, hint))

    def mark(self, style, at, hint):
        if self._clip(at, at):
            self.shapes.append(("mark", style, at, at, hint))

    def label(self, at, text):
        """Where there is room; what finds none is in the marks' hints."""
        if not self._clip(at, at):
            return
        x = self.panel.x(at) + 4
        wide = width_of(text)
        if x + wide > WIDTH - RIGHT:
            x = max(LEFT, WIDTH - RIGHT - wide)
        for row in self.rows:
            if all(x > to + 6 or x + wide < since - 6
                   for since, to, _ in row):
                row.append((x, x + wide, text))
                return
        if len(self.rows) < MAX_LABEL_ROWS:
            self.rows.append([(x, x + wide, text)])

    def height(self):
        return ROW + LABEL_ROW * len(self.rows)

    def draw(self, y):
        out = ['<text class="small" x="%d" y="%g" text-anchor="end">%s</text>'
               % (LEFT - 8, y + 12, escape(self.name))]
        order = {"bar": 0, "line": 1, "mark": 2}
        for shape in sorted(self.shapes, key=lambda s: order[s[0]]):
            out.append(self._draw_shape(y, *shape))
        for i, row in enumerate(self.rows):
            out += ['<text class="label" x="%.1f" y="%.1f">%s</text>' %
                    (x, y + ROW + LABEL_ROW * (i + 1) - 4, escape(text))
                    for x, _, text in row]
        return out

    def _draw_shape(self, y, shape, style, since, until, hint):
        x, wide = self.panel.x(since), self.panel.x(until)
        title = "<title>%s</title>" % escape(hint)
        if shape == "bar":
            high = {"link": 12, "suspect": 4}.get(style, 8)
            top = y + 2 if style != "suspect" else y + 12
            top += 2 if high == 8 else 0
            return '<rect class="bar %s" x="%.1f" y="%.1f" width="%.1f" ' \
                'height="%d">%s</rect>' % (style, x, top,
                                           max(wide - x, 1.5), high, title)
        if shape == "line":
            return '<line class="line %s" x1="%.1f" x2="%.1f" y1="%.1f" ' \
                'y2="%.1f">%s</line>' % (style, x, max(wide, x + 2),
                                         y + 8, y + 8, title)
        half = {"sent": (1, 8), "heard": (8, 15)}.get(style, (2, 14))
        return '<line class="mark %s" x1="%.1f" x2="%.1f" y1="%.1f" ' \
            'y2="%.1f">%s</line>' % (style, x, x, y + half[0], y + half[1],
                                     title)


class Chart:
    def __init__(self, panel, name, samples):
        self.panel, self.name = panel, name
        self.samples = {style: [(at, value) for at, value in points
                                if panel.begin <= at <= panel.end]
                        for style, points in samples.items()}

    def height(self):
        return CHART

    def draw(self, y):
        top = max([value for points in self.samples.values()
                   for _, value in points] + [1])
        base = y + CHART - 6
        out = ['<text class="small" x="%d" y="%g" text-anchor="end">%s</text>'
               % (LEFT - 8, y + 12, escape(self.name)),
               '<text class="small" x="%d" y="%g" text-anchor="end">%.0f'
               '</text>' % (LEFT - 8, y + 26, top),
               '<line class="rule" x1="%d" x2="%d" y1="%g" y2="%g"/>' %
               (LEFT, WIDTH - RIGHT, base, base)]
        for style, points in self.samples.items():
            text = " ".join("%.1f,%.1f" % (
                self.panel.x(at), base - value / top * (CHART - 14))
                for at, value in points)
            if text:
                out.append('<polyline class="chart %s" style="fill:none" '
                           'points="%s"/>' % (style, text))
        return out


class Heading:
    def __init__(self, text):
        self.name = text

    def height(self):
        return ROW + 6

    def draw(self, y):
        return ['<line class="rule" x1="10" x2="%d" y1="%g" y2="%g"/>' %
                (WIDTH - 10, y + 3, y + 3),
                '<rect class="back" x="10" y="%g" width="%d" height="18"/>' %
                (y + 4, min(width_of(self.name) + 30, WIDTH - 20)),
                '<text class="heading" x="12" y="%g">%s</text>' %
                (y + 17, escape(self.name))]


class Panel:
    def __init__(self, picture, title, begin, end):
        self.picture, self.title = picture, title
        self.begin, self.end = begin, end
        self.lanes = []

    def x(self, at):
        return LEFT + (at - self.begin) / self.span() * \
            (WIDTH - LEFT - RIGHT)

    def span(self):
        return self.end - self.begin

    def lane(self, name):
        self.lanes.append(Lane(self, name))
        return self.lanes[-1]

    def chart(self, name, samples):
        self.lanes.append(Chart(self, name, samples))

    def heading(self, text):
        self.lanes.append(Heading(text))

    def _axis(self, top, bottom):
        step = step_for(self.span())
        out, n = [], int(self.begin / step) - 1
        while n * step <= self.end:
            if n * step >= self.begin:
                x = self.x(n * step)
                out.append('<line class="%s" x1="%.1f" x2="%.1f" y1="%g" '
                           'y2="%g"/>' % ("zero" if n == 0 else "grid", x, x,
                                          top, bottom))
                text = "%g ms" % round(n * step * 1000) if step < 0.5 else \
                    "%g s" % round(n * step, 3)
                out.append('<text class="small" x="%.1f" y="%g" '
                           'text-anchor="middle">%s</text>' %
                           (min(x, WIDTH - RIGHT - 10), top - 4, text))
            n += 1
        return out

    def close(self):
        out = self.picture.out
        out.append('<text class="title" x="10" y="%g">%s</text>' %
                   (self.picture.y + 16, escape(self.title)))
        top = self.picture.y + 38
        bottom = top + sum(lane.height() for lane in self.lanes)
        out += self._axis(top, bottom)
        y = top
        for lane in self.lanes:
            out += lane.draw(y)
            y += lane.height()
        self.picture.y = bottom + 3 * GAP


class Picture:
    def __init__(self, title):
        self.title = title
        self.y = 28
        self.out = ['<text class="title" x="10" y="18">%s</text>' %
                    escape(title)]

    def legend(self, entries):
        x, y = 10, self.y + 8
        for style, text in entries:
            wide = 34 + width_of(text)
            if x + wide > WIDTH - 10:
                x, y = 10, y + LABEL_ROW + 4
            shape = '<rect class=%s x="%g" y="%g" width="18" height="8"/>' % (
                quoteattr(style), x, y - 4)
            if style.startswith("mark"):
                shape = '<line class=%s x1="%g" x2="%g" y1="%g" y2="%g"/>' % (
                    quoteattr(style), x + 8, x + 8, y - 6, y + 4)
            self.out += [shape,
                         '<text class="small" x="%g" y="%g">%s</text>' %
                         (x + 24, y + 4, escape(text))]
            x += wide
        self.y = y + 2 * GAP

    def panel(self, title, begin, end):
        return Panel(self, title, begin, end)

    def foot(self, text):
        self.out.append('<text class="small" x="10" y="%g">%s</text>' %
                        (self.y, escape(text)))
        self.y += ROW

    def text(self):
        return "\n".join([
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" '
            'width="%d" height="%d">' % (WIDTH, self.y, WIDTH, self.y),
            "<title>%s</title>" % escape(self.title),
            "<style>%s</style>" % STYLE,
            '<rect class="back" width="%d" height="%d"/>' % (WIDTH, self.y)] +
            self.out + ["</svg>", ""])
