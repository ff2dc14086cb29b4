#include "bench_peer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace hone::cli {
namespace {

struct Close {
  void operator()(std::FILE* pipe) const { ::pclose(pipe); }
};

using Clock = std::chrono::steady_clock;
using Rates = std::map<std::string, double>;

// llama-perplexity's lines: "perplexity: calculating perplexity over 57 chunks, n_ctx=512, …" when it begins,
// "Final estimate: PPL = …" when it is done. What lies between is timed here, because its versions time
// different things themselves.
class PerplexityLines {
 public:
  void see(const std::string& line) {
    size_t chunks = 0, context = 0;
    if (const size_t at = line.find("calculating perplexity over "); at != std::string::npos) {
      if (std::sscanf(line.c_str() + at, "calculating perplexity over %zu chunks, n_ctx=%zu", &chunks,
                      &context) == 2) {
        tokens_ = static_cast<double>(chunks * context);
        start_ = Clock::now();
      }
    }
    if (tokens_ > 0 && line.find("Final estimate: PPL") != std::string::npos)
      rate_ = tokens_ / std::chrono::duration<double>(Clock::now() - start_).count();
  }
  double rate() const { return rate_; }

 private:
  double tokens_ = 0, rate_ = 0;
  Clock::time_point start_;
};

struct Output {
  std::string text;
  double perplexity_rate = 0;
};

bool is_perplexity(const Peer& peer) {
  return peer.command.find("llama-perplexity") != std::string::npos;
}

// llama-perplexity writes its results to either stream, the others theirs to stdout.
Output output_of(const Peer& peer) {
  const std::string command =
      fmt::format("( {} ) </dev/null 2>{}", peer.command, is_perplexity(peer) ? "&1" : "/dev/null");
  const std::unique_ptr<std::FILE, Close> pipe(::popen(command.c_str(), "r"));
  if (!pipe) fail(ErrorCode::kIo, "peer {}: cannot start a shell", peer.name);
  Output output;
  PerplexityLines lines;
  std::string line;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) {
    line.push_back(static_cast<char>(c));
    if (c != '\n') continue;
    lines.see(line);
    output.text += line;
    line.clear();
  }
  output.text += line;
  output.perplexity_rate = lines.rate();
  return output;
}

// llama-bench: a list of tests; only prompts, or only generation.
Rates from_tests(const nlohmann::json& tests) {
  Rates rates;
  for (const nlohmann::json& test : tests) {
    const double rate = test.at("avg_ts").get<double>();
    if (test.at("n_gen").get<int>() == 0)
      rates["prefill"] = rate;
    else if (test.at("n_prompt").get<int>() == 0)
      rates["decode"] = rate;
  }
  return rates;
}

Rates parse(const Output& output) {
  if (output.perplexity_rate > 0) return {{"perplexity", output.perplexity_rate}};
  const size_t start = output.text.find_first_of("[{");
  if (start == std::string::npos) throw nlohmann::json::other_error::create(501, "no JSON", nullptr);
  const nlohmann::json json = nlohmann::json::parse(output.text.substr(start));
  if (json.is_array()) return from_tests(json);
  if (json.contains("speed_tg")) return {{"batched-decode", json.at("speed_tg").get<double>()}};
  return {{"train", json.at("tok_s").get<double>()}};
}

}  // namespace

Peer parse_peer(const std::string& text, const std::string& model, const BenchSettings& settings,
                int threads) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    fail(ErrorCode::kInvalidArgument, "--peer: got '{}', expected NAME=COMMAND", text);
  Peer peer{text.substr(0, equals), text.substr(equals + 1)};
  if (peer.command.find(' ') != std::string::npos) return peer;
  if (peer.command.ends_with("llama-bench")) {
    // Behind other tokens it would time its prompts, too.
    peer.command += fmt::format(" -m '{}' -t {} -p {} -n {} -r 1 -o json", model, threads,
                                settings.depth == 0 ? settings.prompt : 0, settings.generate);
    if (settings.depth > 0) peer.command += fmt::format(" -d {}", settings.depth);
  }
  if (peer.command.ends_with("llama-batched-bench")) {
    // It gives each text a context that is a multiple of 256.
    const size_t context = settings.sequences * ((kBatchedPrompt + settings.generate + 255) / 256 * 256);
    peer.command += fmt::format(" -m '{}' -t {} -c {} -npp {} -ntg {} -npl {} --output-format jsonl", model,
                                threads, context, kBatchedPrompt, settings.generate, settings.sequences);
  }
  if (peer.command.ends_with("llama-perplexity")) {
    if (settings.text.empty())
      fail(ErrorCode::kInvalidArgument, "--peer {}: got no --text, expected one to measure perplexity on",
           peer.name);
    peer.command +=
        fmt::format(" -m '{}' -t {} -f '{}' -c {}", model, threads, settings.text, settings.context);
  }
  return peer;
}

std::map<std::string, double> run_peer(const Peer& peer) {
  const Output output = output_of(peer);
  try {
    return parse(output);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalidArgument,
         "peer {}: `{}` printed no result; expected what llama-bench or llama-perplexity print or a line "
         "with tok_s, "
         "got: {}",
         peer.name, peer.command, output.text.empty() ? "nothing" : output.text.substr(0, 200));
  }
}

}  // namespace hone::cli
