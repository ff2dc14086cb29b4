// What a run of `hone bench` gave, and how it is told: JSON, text, pictures.
#pragma once

#include <string>
#include <vector>

#include "bench_shapes.h"
#include "bench_work.h"
#include "command.h"

namespace hone::cli {

struct Spread {
  double median = 0, least = 0, most = 0;
};
Spread spread_of(std::vector<double> values);  // zeros for none

struct PeerResult {
  std::string name;
  std::vector<double> tok_s;  // per round; empty when it does not do the work
};

// One work, round by round.
struct WorkResult {
  std::string name, note;
  std::vector<double> tok_s;
  std::vector<double> joules_per_token;  // empty when the machine does not tell
  std::vector<PeerResult> peers;
  WorkCost cost;
  double limit_tok_s = 0;
  uint64_t peak_rss_bytes = 0;
};
// hone's speed over the peer's, round by round.
Spread ratio_of(const WorkResult& work, const PeerResult& peer);

// The works at several numbers of threads (--threads-sweep): speed against the first number, round by round.
struct ScalingResult {
  std::string name;
  std::vector<int> threads;
  std::vector<std::vector<double>> tok_s;  // as threads; rounds
};

struct BenchResult {
  std::string model;
  MachineLimits machine;
  int threads = 0;
  Roofs roofs;
  bool energy_told = false;
  std::vector<WorkResult> works;
  std::vector<ScalingResult> scaling;
  std::vector<ShapeResult> shapes;
};

Json to_json(const BenchResult& result);
std::string to_text(const BenchResult& result);
// SVG of its own: every work's share of its limit and its ratio to each peer, with the spread over rounds.
std::string ratio_picture(const BenchResult& result);
// SVG of its own: operations per second over operations per byte, under the machine's roofs.
std::string roofline_picture(const BenchResult& result);

}  // namespace hone::cli
