// The picture of ratios: left every work's share of its limit, right how many times as fast as each peer.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench_result.h"
#include "bench_svg.h"

namespace hone::cli {
namespace {

constexpr double kRow = 26, kTop = 64, kWidth = 860;
constexpr double kNames = 96, kShares = 360, kPeers = 430, kRatios = 590;  // left edges, and the shares' end

struct Scale {
  double from, to, most;
  double at(double value) const { return from + std::min(value, most) / most * (to - from); }
};

std::string whisker(const Spread& spread, const Scale& x, double y, const char* css_class) {
  return svg_line(x.at(spread.least), y, x.at(spread.most), y, css_class) +
         svg_line(x.at(spread.least), y - 4, x.at(spread.least), y + 4, css_class) +
         svg_line(x.at(spread.most), y - 4, x.at(spread.most), y + 4, css_class);
}

std::string share_row(const WorkResult& work, const Scale& x, double y) {
  Spread share = spread_of(work.tok_s);
  for (double* value : {&share.median, &share.least, &share.most}) *value /= work.limit_tok_s;
  std::string out =
      fmt::format("<rect class=\"track\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"12\"/>\n",
                  x.from, y - 6, x.at(1) - x.from);
  out += fmt::format("<rect class=\"c0\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"12\"/>\n",
                     x.from, y - 6, x.at(share.median) - x.from);
  out += whisker(share, x, y, "one");
  out += svg_label(kNames - 8, y + 4, "end", "", work.name);
  out += svg_label(kShares + 6, y + 4, "start", "small dim", fmt::format("{:.0f} %", 100 * share.median));
  return out;
}

std::string ratio_row(const WorkResult& work, const PeerResult& peer, size_t i, const Scale& x, double y) {
  const Spread ratio = ratio_of(work, peer);
  const std::string text =
      fmt::format("{:.2f} times ({:.2f} to {:.2f})", ratio.median, ratio.least, ratio.most);
  const std::string color = series_class(i);
  return svg_label(kRatios - 8, y + 4, "end", "", peer.name) + whisker(ratio, x, y, color.c_str()) +
         svg_dot(x.at(ratio.median), y, color.c_str(),
                 fmt::format("{}, {}: {}", work.name, peer.name, text)) +
         svg_label(x.at(ratio.most) + 8, y + 4, "start", "small dim", fmt::format("{:.2f}", ratio.median));
}

std::string grid(const Scale& x, double step, double bottom, const char* unit, double factor) {
  std::string out;
  for (double tick = 0; tick <= x.most * 1.001; tick += step)
    out +=
        svg_line(x.at(tick), kTop - 10, x.at(tick), bottom, "grid") +
        svg_label(x.at(tick), kTop - 16, "middle", "small dim", fmt::format("{:g}{}", tick * factor, unit));
  return out;
}

}  // namespace

std::string ratio_picture(const BenchResult& result) {
  size_t rows = 0;
  double most = 1;
  for (const WorkResult& work : result.works) {
    size_t peers = 0;
    for (const PeerResult& peer : work.peers) {
      if (peer.tok_s.empty()) continue;
      ++peers;
      most = std::max(most, ratio_of(work, peer).most);
    }
    rows += std::max<size_t>(1, peers);
  }
  const double bottom = kTop + kRow * static_cast<double>(rows);
  const Scale shares{kNames, kShares, 1}, ratios{kRatios, kWidth - 56, std::ceil(most * 1.05)};
  std::string out =
      svg_begin(kWidth, bottom + 16, "hone's speed beside the machine's limits and other programs");
  out += svg_label(kNames, 24, "start", "", "Share of the machine's limit");
  out += svg_label(kPeers + 36, 24, "start", "", "Times as fast as");
  out += grid(shares, 0.25, bottom, " %", 100) + grid(ratios, ratios.most > 6 ? 2 : 1, bottom, "", 1);
  out += svg_line(ratios.at(1), kTop - 10, ratios.at(1), bottom, "one");
  double y = kTop + kRow / 2;
  for (const WorkResult& work : result.works) {
    out += share_row(work, shares, y);
    const double first = y;
    for (size_t i = 0; i < work.peers.size(); ++i) {
      if (work.peers[i].tok_s.empty()) continue;
      out += ratio_row(work, work.peers[i], i, ratios, y);
      y += kRow;
    }
    if (y == first) y += kRow;
  }
  return out + kSvgEnd;
}

}  // namespace hone::cli
