// A bench result as JSON and as text.
#include <fmt/format.h>

#include <algorithm>

#include "base/memory.h"
#include "bench_result.h"
#include "cpu/isa.h"

namespace hone::cli {
namespace {

Json spread_json(const char* name, const Spread& spread) {
  return {{name, spread.median},
          {fmt::format("least_{}", name), spread.least},
          {fmt::format("most_{}", name), spread.most}};
}

Json work_json(const WorkResult& work, const std::string& model) {
  const Spread own = spread_of(work.tok_s);
  Json json = {{"name", work.name}, {"model", model}};
  json.update(spread_json("tok_s", own));
  json["rounds_tok_s"] = work.tok_s;
  json["limit_tok_s"] = work.limit_tok_s;
  json["limit_share"] = own.median / work.limit_tok_s;
  json["operations_per_token"] = work.cost.operations();
  json["bytes_per_token"] = work.cost.bytes;
  json["peak_rss_bytes"] = work.peak_rss_bytes;
  json["joules_per_token"] =
      work.joules_per_token.empty() ? Json() : Json(spread_of(work.joules_per_token).median);
  if (!work.note.empty()) json["note"] = work.note;
  for (const PeerResult& peer : work.peers) {
    if (peer.tok_s.empty()) continue;
    Json entry = {{"name", peer.name}, {"tok_s", spread_of(peer.tok_s).median}, {"rounds_tok_s", peer.tok_s}};
    entry.update(spread_json("ratio", ratio_of(work, peer)));
    json["peers"].push_back(std::move(entry));
  }
  return json;
}

// Speed at each number of threads against the first, round by round.
Spread gain_of(const ScalingResult& scaling, size_t i) {
  std::vector<double> gains;
  for (size_t round = 0; round < scaling.tok_s[i].size(); ++round)
    gains.push_back(scaling.tok_s[i][round] / scaling.tok_s[0][round]);
  return spread_of(std::move(gains));
}

Json scaling_json(const ScalingResult& scaling) {
  Json json = {{"name", scaling.name}, {"points", Json::array()}};
  for (size_t i = 0; i < scaling.threads.size(); ++i) {
    Json point = {{"threads", scaling.threads[i]},
                  {"tok_s", spread_of(scaling.tok_s[i]).median},
                  {"rounds_tok_s", scaling.tok_s[i]}};
    point.update(spread_json("ratio", gain_of(scaling, i)));
    json["points"].push_back(std::move(point));
  }
  return json;
}

std::string machine_text(const BenchResult& result) {
  const MachineLimits& machine = result.machine;
  const auto rate = [](const char* name, double v, const char* unit) {
    return v > 0 ? fmt::format("{} {:.0f} {}, ", name, v, unit) : std::string();
  };
  return fmt::format("machine: {} threads, {}: {}{}{}{}{}read {:.0f} GB/s\n", result.threads,
                     isa_name(active_isa()), rate("f32", machine.f32_gflops, "GFLOP/s"),
                     rate("bf16", machine.bf16_gflops, "GFLOP/s"), rate("f16", machine.f16_gflops, "GFLOP/s"),
                     rate("i16", machine.i16_gops, "GOP/s"), rate("int8", machine.int8_gops, "GOP/s"),
                     machine.read_gb_s);
}

std::string work_text(const WorkResult& work) {
  const Spread own = spread_of(work.tok_s);
  std::string text =
      fmt::format("  {:<10} {:>8.1f} {:>8.0f} {:>8.0f} %   {:>9}", work.name, own.median, work.limit_tok_s,
                  100 * own.median / work.limit_tok_s, format_bytes(work.peak_rss_bytes));
  if (!work.joules_per_token.empty())
    text += fmt::format("   {:.4f} J/token", spread_of(work.joules_per_token).median);
  text += work.note.empty() ? "\n" : fmt::format("   {}\n", work.note);
  for (const PeerResult& peer : work.peers) {
    if (peer.tok_s.empty()) continue;
    const Spread ratio = ratio_of(work, peer);
    text += fmt::format("    {:<18} {:>8.1f} tok/s; hone is {:.2f} times as fast ({:.2f} to {:.2f})\n",
                        peer.name, spread_of(peer.tok_s).median, ratio.median, ratio.least, ratio.most);
  }
  return text;
}

std::string scaling_text(const ScalingResult& scaling) {
  std::string text;
  for (size_t i = 0; i < scaling.threads.size(); ++i) {
    const Spread gain = gain_of(scaling, i);
    text += fmt::format("  {:<10} {:>3} thread{} {:>8.1f} tok/s", scaling.name, scaling.threads[i],
                        scaling.threads[i] == 1 ? " " : "s", spread_of(scaling.tok_s[i]).median);
    text += i == 0 ? "\n"
                   : fmt::format("   {:.2f} times ({:.2f} to {:.2f})\n", gain.median, gain.least, gain.most);
  }
  return text;
}

std::string shape_text(const ShapeResult& shape) {
  return fmt::format("  {:<44} {:>8.1f} GOP/s {:>8.1f} GB/s {:>8.1f} operations/byte\n", shape.name,
                     shape.operations / shape.seconds * 1e-9, shape.bytes / shape.seconds * 1e-9,
                     shape.operations / shape.bytes);
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

Spread ratio_of(const WorkResult& work, const PeerResult& peer) {
  std::vector<double> ratios;
  for (size_t i = 0; i < peer.tok_s.size() && i < work.tok_s.size(); ++i)
    ratios.push_back(work.tok_s[i] / peer.tok_s[i]);
  return spread_of(std::move(ratios));
}

Json to_json(const BenchResult& result) {
  Json json;
  json["machine"] = {{"f32_gflops", result.machine.f32_gflops},
                     {"bf16_gflops", result.machine.bf16_gflops},
                     {"f16_gflops", result.machine.f16_gflops},
                     {"i16_gops", result.machine.i16_gops},
                     {"int8_gops", result.machine.int8_gops},
                     {"read_gb_s", result.machine.read_gb_s},
                     {"threads", result.threads},
                     {"isa", isa_name(active_isa())},
                     {"energy", result.energy_told ? "told" : "not told by this machine"}};
  json["results"] = Json::array();
  for (const WorkResult& work : result.works) json["results"].push_back(work_json(work, result.model));
  for (const ScalingResult& scaling : result.scaling) json["scaling"].push_back(scaling_json(scaling));
  for (const ShapeResult& shape : result.shapes)
    json["shapes"].push_back({{"name", shape.name},
                              {"operations", shape.operations},
                              {"bytes", shape.bytes},
                              {"seconds", shape.seconds}});
  return json;
}

std::string to_text(const BenchResult& result) {
  std::string text = machine_text(result);
  if (!result.works.empty()) {
    text += "\n               tok/s    limit  of limit   peak memory\n";
    for (const WorkResult& work : result.works) text += work_text(work);
    if (!result.energy_told) text += "  energy: not told by this machine\n";
  }
  if (!result.scaling.empty()) text += "\n  scaling with threads\n";
  for (const ScalingResult& scaling : result.scaling) text += scaling_text(scaling);
  if (!result.shapes.empty()) text += "\n  products\n";
  for (const ShapeResult& shape : result.shapes) text += shape_text(shape);
  return text;
}

}  // namespace hone::cli
