// The roofline picture (Williams, Waterman & Patterson 2009): how many operations a second over how many
// operations each byte from memory allows. Sloped: what the read speed allows; level: the products' measured
// limits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench_result.h"
#include "bench_svg.h"

namespace hone::cli {
namespace {

constexpr double kWidth = 860, kHeight = 560, kLeft = 64, kRight = 610, kTop = 40, kBottom = 500;

struct Point {
  std::string name;
  double intensity, rate;  // operations per byte, operations per second
};

struct Axes {
  double x_low, x_high, y_low, y_high;  // decimal logarithms
  double x(double intensity) const {
    return kLeft + (std::log10(intensity) - x_low) / (x_high - x_low) * (kRight - kLeft);
  }
  double y(double rate) const {
    return kBottom + (std::log10(rate) - y_low) / (y_high - y_low) * (kTop - kBottom);
  }
};

std::vector<Point> works_of(const BenchResult& result) {
  std::vector<Point> points;
  for (const WorkResult& work : result.works)
    points.push_back({work.name, work.cost.operations() / work.cost.bytes,
                      spread_of(work.tok_s).median * work.cost.operations()});
  return points;
}

std::vector<Point> shapes_of(const BenchResult& result) {
  std::vector<Point> points;
  for (const ShapeResult& shape : result.shapes)
    points.push_back({shape.name, shape.operations / shape.bytes, shape.operations / shape.seconds});
  return points;
}

Axes axes_of(const std::vector<Point>& points, double highest_roof) {
  Axes axes{0, 3, std::log10(highest_roof) - 2, std::log10(highest_roof)};
  for (const Point& point : points) {
    axes.x_low = std::min(axes.x_low, std::log10(point.intensity));
    axes.x_high = std::max(axes.x_high, std::log10(point.intensity));
    axes.y_low = std::min(axes.y_low, std::log10(point.rate));
  }
  axes.x_low = std::floor(axes.x_low);
  axes.x_high = std::ceil(axes.x_high);
  axes.y_low = std::floor(axes.y_low);
  axes.y_high = std::ceil(axes.y_high + 0.1);
  return axes;
}

std::string rate_text(double rate) {
  return rate >= 1e12 ? fmt::format("{:g} T", rate * 1e-12) : fmt::format("{:g} G", rate * 1e-9);
}

std::string grid(const Axes& axes) {
  std::string out;
  for (double e = axes.x_low; e <= axes.x_high; ++e) {
    const double x = axes.x(std::pow(10, e));
    out += svg_line(x, kTop, x, kBottom, "grid") +
           svg_label(x, kBottom + 18, "middle", "small dim", fmt::format("{:g}", std::pow(10, e)));
  }
  for (double e = axes.y_low; e <= axes.y_high; ++e) {
    const double y = axes.y(std::pow(10, e));
    out += svg_line(kLeft, y, kRight, y, "grid") +
           svg_label(kLeft - 8, y + 4, "end", "small dim", rate_text(std::pow(10, e)));
  }
  out += svg_label((kLeft + kRight) / 2, kBottom + 40, "middle", "", "operations per byte from memory");
  return out + svg_label(8, 24, "start", "", "operations per second");
}

std::string roofs(const BenchResult& result, const Axes& axes) {
  const double read = result.machine.read_gb_s * 1e9;
  struct Roof {
    const char* name;
    double rate;
  };
  const Roof levels[] = {{"f32", result.machine.f32_gflops * 1e9},
                         {"bf16", result.machine.bf16_gflops * 1e9},
                         {"f16", result.machine.f16_gflops * 1e9},
                         {"i16", result.machine.i16_gops * 1e9},
                         {"int8", result.machine.int8_gops * 1e9}};
  std::string out;
  double highest = 0;
  for (const Roof& roof : levels) {
    if (roof.rate <= 0) continue;
    highest = std::max(highest, roof.rate);
    const double knee = std::max(roof.rate / read, std::pow(10, axes.x_low));
    out += svg_line(axes.x(knee), axes.y(roof.rate), kRight, axes.y(roof.rate), "roof") +
           svg_label(kRight - 4, axes.y(roof.rate) - 5, "end", "small",
                     fmt::format("{} {:.2f} T/s", roof.name, roof.rate * 1e-12));
  }
  // The slope, from where it enters the picture.
  const double first = std::max(std::pow(10, axes.x_low), std::pow(10, axes.y_low) / read),
               last = highest / read;
  out += svg_line(axes.x(first), axes.y(first * read), axes.x(last), axes.y(highest), "roof");
  const double middle = std::sqrt(first * last);
  return out + svg_label(axes.x(middle) - 8, axes.y(middle * read) - 4, "end", "small",
                         fmt::format("reading {:.0f} GB/s", result.machine.read_gb_s));
}

std::string tip(const Point& point) {
  return fmt::format("{}: {:.1f} operations per byte, {}op/s", point.name, point.intensity,
                     rate_text(point.rate));
}

}  // namespace

std::string roofline_picture(const BenchResult& result) {
  const std::vector<Point> works = works_of(result), shapes = shapes_of(result);
  std::vector<Point> all = works;
  all.insert(all.end(), shapes.begin(), shapes.end());
  const MachineLimits& machine = result.machine;
  const Axes axes = axes_of(all, std::max(machine.floats(), machine.int8_gops) * 1e9);
  std::string out =
      svg_begin(kWidth, kHeight, fmt::format("Roofline of {}, {} threads", result.model, result.threads));
  out += grid(axes) + roofs(result, axes);
  double legend = kTop + 12;
  const auto draw = [&](const Point& point, const std::string& color, const char* css_class) {
    out += svg_dot(axes.x(point.intensity), axes.y(point.rate), color.c_str(), tip(point));
    out += svg_dot(kRight + 16, legend - 4, color.c_str(), tip(point));
    out += svg_label(kRight + 26, legend, "start", css_class, point.name);
    legend += 18;
  };
  for (size_t i = 0; i < works.size(); ++i) draw(works[i], series_class(i), "");
  legend += 8;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::string color = series_class(i / 2);  // rings, where works are discs
    draw(shapes[i], color + " shape", "small");
  }
  return out + kSvgEnd;
}

}  // namespace hone::cli
