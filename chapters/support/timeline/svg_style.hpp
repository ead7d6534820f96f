#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace concurrent {

/// The colours of the course's pictures: dark enough for white letters, and different enough in light and in
/// dark mode.
inline constexpr std::array<const char*, 8> svg_palette{"#2f6fbd", "#c65a11", "#2c8a57", "#8256b8",
                                                        "#c2365a", "#0f8488", "#8a6400", "#5d6b7e"};

namespace detail {

/// A pattern of slanting lines.
inline std::string svg_hatch(const std::string& id, const std::string& colour) {
  return "<pattern id=\"" + id + R"-(" width="7" height="7" patternUnits="userSpaceOnUse" )-" +
         R"-(patternTransform="rotate(45)" fill=")-" + colour +
         R"-("><rect width="7" height="7" class="pale"/><rect width="1.6" height="7" class="slant"/></pattern>)-" +
         "\n";
}

}  // namespace detail

/// Returns the style sheet and the patterns of a picture. Svg explains the classes.
inline std::string svg_style() {
  std::string css = R"(<style>
text { font: 15px -apple-system, "Segoe UI", "Helvetica Neue", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-size: 18px; font-weight: 600; } .value { fill: #59636e; }
.total { font-weight: 600; } .name { font-weight: 500; }
.on { fill: #fff; font-weight: 600; }
.over { font-weight: 600; paint-order: stroke; stroke: #fff; stroke-width: 5px; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.card { fill: #fff; stroke: #d1d9e0; } .track { fill: #f3f5f8; } .plain { fill: #6e7781; }
.hatched { fill: url(#hatch); stroke: #6e7781; stroke-opacity: .6; }
.pale { fill-opacity: .13; } .slant { fill-opacity: .55; }
.grid { stroke: #d1d9e0; } .axis { stroke: #818b98; } .note { stroke: #59636e; stroke-dasharray: 4 3; }
.spread { stroke: #1f2328; stroke-opacity: .6; stroke-width: 1.5; }
)";
  std::string patterns = "<defs>\n" + detail::svg_hatch("hatch", "#6e7781");
  for (std::size_t i = 0; i < svg_palette.size(); ++i) {
    const std::string n = std::to_string(i), colour = svg_palette[i];
    css += ".c" + n + " { fill: " + colour + "; } .w" + n + " { fill: url(#h" + n + "); stroke: " + colour +
           "; stroke-opacity: .6; }\n";
    patterns += detail::svg_hatch("h" + n, colour);
  }
  css += R"(@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .value { fill: #9198a1; } .on { fill: #fff; } .over { stroke: #151b23; }
.card { fill: #151b23; stroke: #3d444d; } .track { fill: #212830; }
.grid { stroke: #3d444d; } .axis { stroke: #656c76; } .note { stroke: #9198a1; }
.spread { stroke: #f0f6fc; } .pale { fill-opacity: .25; } .slant { fill-opacity: .9; }
}
</style>
)";
  return css + patterns + "</defs>\n";
}

}  // namespace concurrent
