// Other programs timed beside hone, in turns.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench_work.h"

namespace hone::cli {

struct Peer {
  std::string name;
  std::string command;  // for the shell
};

// "NAME=COMMAND". A command that is only the path of a llama-bench, a llama-batched-bench or a
// llama-perplexity gets the arguments that make it do hone's work. Throws kInvalidArgument.
Peer parse_peer(const std::string& text, const std::string& model, const BenchSettings& settings,
                int threads);

// Runs the peer once; tokens per second by the name of the work. Understands llama-bench's `-o json`,
// llama-batched-bench's JSON line, what llama-perplexity prints, and one JSON line with tok_s
// (bench/peft_train.py), which is training. Throws kInvalidArgument with what the peer printed otherwise.
std::map<std::string, double> run_peer(const Peer& peer);

}  // namespace hone::cli
