// hone bench: prefill, decode and training speed of a model, beside what the machine could do and, if asked
// for, beside other programs, in turns.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "bench_machine.h"
#include "bench_measure.h"
#include "bench_peer.h"
#include "command.h"
#include "cpu/isa.h"
#include "models/model.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> only;
  std::vector<std::string> peers;
  size_t prompt = 512, generate = 128, repeats = 3;
};

struct Spread {
  double median = 0, least = 0, most = 0;
};

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

// What one kind of work gave, repeat by repeat; a peer's list is empty when it does not do this work.
struct Work {
  std::string name;
  std::vector<double> own;
  std::vector<std::vector<double>> peers;
  double limit_tok_s = 0;
  uint64_t peak_rss = 0;
};

Work work_on(std::string name, double limit_tok_s) {
  Work work;
  work.name = std::move(name);
  work.limit_tok_s = limit_tok_s;
  return work;
}

bool wanted(const Arguments& arguments, const std::string& name) {
  return std::find(arguments.only.begin(), arguments.only.end(), name) != arguments.only.end();
}

// The fastest products the compute mode may use here, in operations per second.
double product_limit(const MachineLimits& machine, bool quantized, bool precise) {
  if (precise) return machine.f32_gflops * 1e9;
  if (quantized && machine.int8_gops > 0) return machine.int8_gops * 1e9;
  return (machine.bf16_gflops > 0 ? machine.bf16_gflops : machine.f32_gflops) * 1e9;
}

// hone and the peers take turns, so that a machine that slows down slows all of them.
void run_in_turns(LoadedModel& model, const BenchWork& work, const Arguments& arguments,
                  const std::vector<Peer>& peers, std::vector<Work>& results) {
  std::optional<TrainBench> train;
  Progress progress("bench", arguments.repeats, "rounds");
  for (Work& result : results) result.peers.resize(peers.size());
  for (size_t round = 0; round < arguments.repeats; ++round) {
    for (Work& result : results) {
      if (result.name == "train" && !train) {
        train.emplace(model, work);
        train->time_step();  // warms up
      }
      if (result.name == "prefill") result.own.push_back(time_prefill(model, work));
      if (result.name == "decode") result.own.push_back(time_decode(model, work));
      if (result.name == "train") result.own.push_back(train->time_step());
      result.peak_rss = peak_rss_bytes();
    }
    for (size_t i = 0; i < peers.size(); ++i) {
      const PeerRates rates = run_peer(peers[i]);
      for (Work& result : results) {
        const std::optional<double>& rate = result.name == "prefill"  ? rates.prefill
                                            : result.name == "decode" ? rates.decode
                                                                      : rates.train;
        if (rate) result.peers[i].push_back(*rate);
      }
    }
    progress.update(round + 1);
  }
  progress.finish();
}

std::string machine_text(const MachineLimits& machine) {
  const auto number = [](double v, const char* unit) {
    return v > 0 ? fmt::format("{:.0f} {}", v, unit) : "-";
  };
  return fmt::format("machine: {} threads, {}: f32 {}, bf16 {}, int8 {}, read {}\n", thread_pool().size(),
                     isa_name(active_isa()), number(machine.f32_gflops, "GFLOP/s"),
                     number(machine.bf16_gflops, "GFLOP/s"), number(machine.int8_gops, "GOP/s"),
                     number(machine.read_gb_s, "GB/s"));
}

Spread ratios(const std::vector<double>& own, const std::vector<double>& peer) {
  std::vector<double> values;
  for (size_t i = 0; i < peer.size() && i < own.size(); ++i) values.push_back(own[i] / peer[i]);
  return spread_of(std::move(values));
}

Json to_json(const Work& work, const Arguments& arguments, const std::vector<Peer>& peers) {
  const Spread own = spread_of(work.own);
  Json json = {{"name", work.name},
               {"model", arguments.model},
               {"tok_s", own.median},
               {"least_tok_s", own.least},
               {"most_tok_s", own.most},
               {"limit_tok_s", work.limit_tok_s},
               {"limit_share", work.limit_tok_s > 0 ? own.median / work.limit_tok_s : 0},
               {"peak_rss_bytes", work.peak_rss}};
  for (size_t i = 0; i < peers.size(); ++i) {
    if (work.peers[i].empty()) continue;
    const Spread ratio = ratios(work.own, work.peers[i]);
    json["peers"].push_back({{"name", peers[i].name},
                             {"tok_s", spread_of(work.peers[i]).median},
                             {"ratio", ratio.median},
                             {"least_ratio", ratio.least},
                             {"most_ratio", ratio.most}});
  }
  return json;
}

std::string to_text(const Work& work, const std::vector<Peer>& peers) {
  const Spread own = spread_of(work.own);
  std::string text =
      fmt::format("  {:<8} {:>8.1f} {:>8.0f} {:>8.0f} %   {}\n", work.name, own.median, work.limit_tok_s,
                  100 * own.median / std::max(work.limit_tok_s, 1e-9), format_bytes(work.peak_rss));
  for (size_t i = 0; i < peers.size(); ++i) {
    if (work.peers[i].empty()) continue;
    const Spread ratio = ratios(work.own, work.peers[i]);
    text +=
        fmt::format("    {:<18} {:>8.1f} tok/s; hone is {:.2f} times as fast ({:.2f} to {:.2f})\n",
                    peers[i].name, spread_of(work.peers[i]).median, ratio.median, ratio.least, ratio.most);
  }
  return text;
}

Outcome run(const Arguments& arguments, const CommonOptions& common) {
  say("measuring the machine");
  const MachineLimits machine = measure_machine(thread_pool().size());
  Json json;
  json["machine"] = {{"f32_gflops", machine.f32_gflops}, {"bf16_gflops", machine.bf16_gflops},
                     {"int8_gops", machine.int8_gops},   {"read_gb_s", machine.read_gb_s},
                     {"threads", thread_pool().size()},  {"isa", isa_name(active_isa())}};
  json["results"] = Json::array();
  std::string text = machine_text(machine);
  if (arguments.model.empty()) return {json, text};

  LoadedModel loaded(arguments.model);
  const BenchCost cost(loaded.model());
  std::vector<Work> results;
  if (wanted(arguments, "prefill"))
    results.push_back(
        work_on("prefill", product_limit(machine, cost.quantized, common.precise) / cost.prefill_operations));
  if (wanted(arguments, "decode"))
    results.push_back(work_on("decode", machine.read_gb_s * 1e9 / cost.decode_bytes));
  if (wanted(arguments, "train"))
    results.push_back(
        work_on("train", product_limit(machine, false, common.precise) / cost.train_operations));
  const std::string path = open_model(arguments.model).path.string();
  std::vector<Peer> peers;
  for (const std::string& peer : arguments.peers)
    peers.push_back(parse_peer(peer, path, arguments.prompt, arguments.generate, thread_pool().size()));
  run_in_turns(loaded, {arguments.prompt, arguments.generate, common.precise, common.seed}, arguments, peers,
               results);

  text += "\n             tok/s    limit  of limit   peak memory\n";
  for (const Work& work : results) {
    json["results"].push_back(to_json(work, arguments, peers));
    text += to_text(work, peers);
  }
  return {json, text};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  arguments->only = {"prefill", "decode", "train"};
  app.add_option("-m,--model", arguments->model, "model to time; without one, only the machine is measured");
  app.add_option("--only", arguments->only, "of prefill, decode, train; separated by commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"prefill", "decode", "train"}));
  app.add_option("--prompt", arguments->prompt, "tokens of the prompt (default 512)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--generate", arguments->generate, "tokens to generate (default 128)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--repeats", arguments->repeats, "rounds; the median counts (default 3)")
      ->check(CLI::Range(1, 1000));
  app.add_option(
      "--peer", arguments->peers,
      "NAME=COMMAND of another program to time in turns: the path of a llama-bench, or a command that "
      "prints a JSON line with tok_s; may be given more than once");
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kBenchCommand = {
    .name = "bench",
    .summary = "prefill, decode and training speed beside the machine's limits and other programs",
    .example =
        "hone bench --model smollm2-135m-instruct --only prefill,decode --peer llama.cpp=./llama-bench",
    .declare = declare,
};

}  // namespace hone::cli
