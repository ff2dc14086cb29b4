#include "bench_peer.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace hone::cli {
namespace {

struct Close {
  void operator()(std::FILE* pipe) const { ::pclose(pipe); }
};

std::string output_of(const Peer& peer) {
  const std::unique_ptr<std::FILE, Close> pipe(::popen((peer.command + " 2>/dev/null").c_str(), "r"));
  if (!pipe) fail(ErrorCode::kIo, "peer {}: cannot start a shell", peer.name);
  std::string text;
  std::array<char, 4096> part{};
  while (const size_t n = std::fread(part.data(), 1, part.size(), pipe.get())) text.append(part.data(), n);
  return text;
}

// llama-bench: a list of tests; only prompts, or only generation.
PeerRates from_tests(const nlohmann::json& tests) {
  PeerRates rates;
  for (const nlohmann::json& test : tests) {
    const double rate = test.at("avg_ts").get<double>();
    if (test.at("n_gen").get<int>() == 0)
      rates.prefill = rate;
    else if (test.at("n_prompt").get<int>() == 0)
      rates.decode = rate;
  }
  return rates;
}

PeerRates parse(const std::string& text) {
  const size_t start = text.find_first_of("[{");
  if (start == std::string::npos) throw nlohmann::json::other_error::create(501, "no JSON", nullptr);
  const nlohmann::json json = nlohmann::json::parse(text.substr(start));
  if (json.is_array()) return from_tests(json);
  PeerRates rates;
  rates.train = json.at("tok_s").get<double>();
  rates.peak_rss_bytes = json.value("peak_rss_bytes", 0.0);
  return rates;
}

}  // namespace

Peer parse_peer(const std::string& text, const std::string& model, size_t prompt, size_t generate,
                int threads) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    fail(ErrorCode::kInvalidArgument, "--peer: got '{}', expected NAME=COMMAND", text);
  Peer peer{text.substr(0, equals), text.substr(equals + 1)};
  const std::string program = "llama-bench";
  if (peer.command.ends_with(program) && peer.command.find(' ') == std::string::npos)
    peer.command += fmt::format(" -m '{}' -t {} -p {} -n {} -r 1 -o json", model, threads, prompt, generate);
  return peer;
}

PeerRates run_peer(const Peer& peer) {
  const std::string text = output_of(peer);
  try {
    return parse(text);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalidArgument,
         "peer {}: `{}` printed no result; expected llama-bench's JSON or a line with tok_s, got: {}",
         peer.name, peer.command, text.empty() ? "nothing" : text.substr(0, 200));
  }
}

}  // namespace hone::cli
