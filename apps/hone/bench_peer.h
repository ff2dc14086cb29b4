// Other programs timed beside hone, in turns.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hone::cli {

struct PeerRates {
  std::optional<double> prefill, decode, train;  // tokens per second
  double peak_rss_bytes = 0;                     // of training, where the peer tells
};

struct Peer {
  std::string name;
  std::string command;  // for the shell
};

// "NAME=COMMAND". A command that is only the path of a llama-bench gets the arguments that make it do hone's
// work.
Peer parse_peer(const std::string& text, const std::string& model, size_t prompt, size_t generate,
                int threads);

// Runs the peer once. Understands llama-bench's `-o json` and one JSON line with tok_s (bench/peft_train.py).
// Throws kInvalidArgument with what the peer printed otherwise.
PeerRates run_peer(const Peer& peer);

}  // namespace hone::cli
