#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "svg_style.hpp"
#include "time_text.hpp"
#include "utf8.hpp"

namespace concurrent {

/// A picture in SVG, in the style of the course: a card that follows the reader's light or dark mode.
/// Lengths are pixels. Later shapes cover earlier ones.
class Svg {
 public:
  /// The number of colours. Shapes have the classes c0, c1, … (full, dark enough for white text), w0, w1, …
  /// (hatched), `track`, `grid`, `axis` or `note`. Text has the classes `name`, `value`, `on` (on a full
  /// colour) or `over` (on a hatched one), and `end` or `middle` for its anchor.
  static constexpr std::size_t colours = svg_palette.size();
  static constexpr double font_size = 15;

  /// Estimates the width of a text: the reader's font is not known.
  static double width_of(std::string_view text) {
    return 0.58 * font_size * static_cast<double>(columns_of(text));
  }

  static constexpr double width = 880;
  static constexpr double left = 22, right = width - left, top = 58;  ///< the edges of the drawing

  /// @param title written in the upper left corner
  explicit Svg(std::string_view title) : title_(escaped(title)) { text(left, 36, "title", title); }

  /// @param tooltip shown to whoever points at the shape, if the picture is opened by itself
  void rect(double x, double y, double width, double height, std::string_view style,
            std::string_view tooltip = {}) {
    body_ += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) +
             "\" height=\"" + number(height) + "\" rx=\"" + number(std::min({3.0, width / 2, height / 2})) +
             "\" class=\"" + std::string(style) + "\"";
    body_ += tooltip.empty() ? "/>\n" : "><title>" + escaped(tooltip) + "</title></rect>\n";
  }

  void line(double x1, double y1, double x2, double y2, std::string_view style) {
    body_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" +
             number(y2) + "\" class=\"" + std::string(style) + "\"/>\n";
  }

  /// @param y the baseline of the letters
  void text(double x, double y, std::string_view style, std::string_view text) {
    body_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" class=\"" + std::string(style) + "\">" +
             escaped(text) + "</text>\n";
  }

  /// Returns the whole file. @param height of the picture
  std::string str(double height) const {
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + " " + number(height) +
           "\" width=\"" + number(width) + "\" height=\"" + number(height) + "\" role=\"img\">\n<title>" +
           title_ + "</title>\n" + svg_style() + "<rect x=\".5\" y=\".5\" width=\"" + number(width - 1) +
           "\" height=\"" + number(height - 1) + "\" rx=\"8\" class=\"card\"/>\n" + body_ + "</svg>\n";
  }

  struct LegendEntry {
    std::string style, text;
  };
  /// Explains the colours, in as many lines as that takes.
  /// @param y the upper edge of the first line
  /// @returns the lower edge of the last one
  double legend(double x0, double y, const std::vector<LegendEntry>& entries) {
    double x = x0;
    for (const auto& [style, label] : entries) {
      const double room = 28 + width_of(label) + 22;
      if (x > x0 && x + room > right) x = x0, y += legend_line;
      rect(x, y, 20, 14, style);
      text(x + 28, y + 12.5, "value", label);
      x += room;
    }
    return entries.empty() ? y : y + legend_line;
  }

  /// Escapes `text` for an XML document.
  static std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : printable(text)) {
      const std::string_view entity = c == '<'   ? "&lt;"
                                      : c == '>' ? "&gt;"
                                      : c == '&' ? "&amp;"
                                      : c == '"' ? "&quot;"
                                                 : "";
      if (entity.empty()) result += c;
      result += entity;
    }
    return result;
  }

 private:
  static constexpr double legend_line = 24;

  static std::string number(double value) {
    std::string text = fixed(value, 2);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text == "-0" ? "0" : text;
  }

  std::string title_, body_;
};

}  // namespace concurrent
