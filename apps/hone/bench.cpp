// hone bench: the speed of a model's works beside what the machine could do and, if asked for, beside other
// programs, in turns.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/energy.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "bench_peer.h"
#include "bench_result.h"
#include "command.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, memory_limit, plot, roofline;
  std::vector<std::string> only, peers;
  std::vector<int> threads_sweep;
  size_t repeats = 3;
  BenchSettings settings;
};

struct Prepared {
  const BenchWork* work;
  std::unique_ptr<TimedWork> timed;
};

std::vector<std::string> work_names() {
  std::vector<std::string> names;
  for (const BenchWork* work : all_bench_works()) names.emplace_back(work->name);
  return names;
}

std::string work_help() {
  std::string text = "works, separated by commas:";
  for (const BenchWork* work : all_bench_works())
    text += fmt::format(" {} ({}{});", work->name, work->summary, work->by_default ? "" : "; not by default");
  text.back() = '.';
  return text;
}

// hone and the peers take turns, so that a machine that slows down slows all of them.
void run_in_turns(std::vector<Prepared>& prepared, const std::vector<Peer>& peers, size_t repeats,
                  std::vector<WorkResult>& results) {
  Progress progress("bench", repeats, "rounds");
  EnergyMeter meter;
  for (size_t round = 0; round < repeats; ++round) {
    for (size_t i = 0; i < prepared.size(); ++i) {
      meter.joules();
      const auto start = std::chrono::steady_clock::now();
      results[i].tok_s.push_back(prepared[i].timed->round());
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (const auto joules = meter.joules())
        results[i].joules_per_token.push_back(*joules / (results[i].tok_s.back() * seconds));
      results[i].peak_rss_bytes = peak_rss_bytes();
      results[i].note = prepared[i].timed->note();
    }
    for (size_t p = 0; p < peers.size(); ++p) {
      const std::map<std::string, double> rates = run_peer(peers[p]);
      for (WorkResult& result : results)
        if (const auto rate = rates.find(result.name); rate != rates.end())
          result.peers[p].tok_s.push_back(rate->second);
    }
    progress.update(round + 1);
  }
  progress.finish();
}

// Every work at every number of threads, in turns.
std::vector<ScalingResult> run_scaling(std::vector<Prepared>& prepared, const Arguments& arguments) {
  const int before = thread_pool().size();
  std::vector<ScalingResult> results;
  Progress progress("scaling", arguments.repeats, "rounds");
  results.reserve(prepared.size());
  for (const Prepared& p : prepared)
    results.push_back({std::string(p.work->name), arguments.threads_sweep,
                       std::vector<std::vector<double>>(arguments.threads_sweep.size())});
  for (size_t round = 0; round < arguments.repeats; ++round) {
    for (size_t i = 0; i < prepared.size(); ++i)
      for (size_t t = 0; t < arguments.threads_sweep.size(); ++t) {
        set_thread_count(arguments.threads_sweep[t]);
        results[i].tok_s[t].push_back(prepared[i].timed->round());
      }
    progress.update(round + 1);
  }
  progress.finish();
  set_thread_count(before);
  return results;
}

std::vector<Prepared> prepare_works(LoadedModel& loaded, const Arguments& arguments) {
  std::vector<Prepared> prepared;
  for (const std::string& name : arguments.only) {
    const BenchWork& work = bench_work_named(name);
    prepared.push_back({&work, work.prepare(loaded, arguments.settings)});
  }
  return prepared;
}

void run_works(const Arguments& arguments, LoadedModel& loaded, BenchResult& result) {
  const BenchSettings& settings = arguments.settings;
  std::vector<Peer> peers;
  for (const std::string& peer : arguments.peers)
    peers.push_back(parse_peer(peer, loaded.path().string(), settings, result.threads));
  std::vector<Prepared> prepared = prepare_works(loaded, arguments);
  result.roofs = roofs_of(result.machine, ModelCost(loaded.model()), settings.precise);
  for (const Prepared& p : prepared) {
    WorkResult work;
    work.name = p.work->name;
    work.cost = p.work->cost(loaded.model(), settings);
    work.limit_tok_s = limit_of(work.cost, result.roofs, result.machine);
    for (const Peer& peer : peers) work.peers.push_back({peer.name, {}});
    result.works.push_back(std::move(work));
  }
  run_in_turns(prepared, peers, arguments.repeats, result.works);
  if (!arguments.threads_sweep.empty()) result.scaling = run_scaling(prepared, arguments);
  if (!arguments.roofline.empty())
    result.shapes = time_shapes(loaded.model(), settings.prompt, settings.precise);
}

std::string page_of(const std::string& picture) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>hone bench</title>\n<body>\n{}</body></html>\n",
      picture);
}

void check_picture(const char* option, const std::string& path, bool page_allowed) {
  if (path.empty() || path.ends_with(".svg") || (page_allowed && path.ends_with(".html"))) return;
  fail(ErrorCode::kInvalidArgument, "{}: got '{}', expected a name that ends with .svg{}", option, path,
       page_allowed ? " or .html" : "");
}

void check(const Arguments& arguments) {
  check_picture("--plot", arguments.plot, true);
  check_picture("--roofline", arguments.roofline, false);
  if (arguments.model.empty() &&
      !(arguments.plot.empty() && arguments.roofline.empty() && arguments.peers.empty()))
    fail(ErrorCode::kInvalidArgument, "--plot, --roofline, --peer: got no --model, expected one to time");
  const auto& only = arguments.only;
  if (std::find(only.begin(), only.end(), kPerplexityWork.name) != only.end() &&
      arguments.settings.text.empty())
    fail(ErrorCode::kInvalidArgument, "--only perplexity: got no --text, expected a text file to measure on");
}

Outcome run(Arguments arguments, const CommonOptions& common) {
  check(arguments);
  arguments.settings.precise = common.precise;
  arguments.settings.seed = common.seed;
  if (!arguments.memory_limit.empty())
    arguments.settings.memory_limit = parse_bytes("--memory-limit", arguments.memory_limit);
  say("measuring the machine");
  BenchResult result;
  result.threads = thread_pool().size();
  result.machine = measure_machine(result.threads);
  result.energy_told = EnergyMeter().available();
  if (arguments.model.empty()) return {to_json(result), to_text(result)};
  LoadedModel loaded(arguments.model);
  result.model = loaded.path().filename().string();
  run_works(arguments, loaded, result);
  const std::string ratios = arguments.plot.empty() ? std::string() : ratio_picture(result);
  if (!ratios.empty())
    write_file(arguments.plot, arguments.plot.ends_with(".html") ? page_of(ratios) : ratios);
  if (!arguments.roofline.empty()) write_file(arguments.roofline, roofline_picture(result));
  return {to_json(result), to_text(result)};
}

void declare_sizes(CLI::App& app, BenchSettings& settings, std::string& memory_limit) {
  const auto size = [&](const char* name, size_t& value, const char* what) {
    app.add_option(name, value, fmt::format("{} (default {})", what, value))->check(CLI::Range(1, 1 << 20));
  };
  size("--prompt", settings.prompt, "prefill: tokens of the prompt");
  size("--generate", settings.generate, "decode, batched-decode: tokens to generate");
  app.add_option("--depth", settings.depth,
                 "decode: tokens in the context before (default 0); peers' prompts are then not timed")
      ->check(CLI::Range(0, 1 << 20));
  size("--sequences", settings.sequences, "batched-decode: texts written together");
  size("--train-rows", settings.train_rows, "train: rows of a step");
  size("--train-length", settings.train_length, "train: tokens of a row");
  app.add_option("--memory-limit", memory_limit,
                 "train: the most this process may hold: 6.5GB, 800MB, 4GiB (default nine tenths of what is "
                 "available)");
  app.add_option("--text", settings.text, "perplexity: a text file");
  size("--context", settings.context, "perplexity: tokens of a window");
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  for (const BenchWork* work : all_bench_works())
    if (work->by_default) arguments->only.emplace_back(work->name);
  app.add_option("-m,--model", arguments->model, "model to time; without one, only the machine is measured");
  app.add_option("--only", arguments->only, work_help())->delimiter(',')->check(CLI::IsMember(work_names()));
  declare_sizes(app, arguments->settings, arguments->memory_limit);
  app.add_option("--repeats", arguments->repeats, "rounds; the median counts (default 3)")
      ->check(CLI::Range(1, 1000));
  app.add_option(
      "--peer", arguments->peers,
      "NAME=COMMAND of another program to time in turns: the path of a llama-bench, llama-batched-bench or "
      "llama-perplexity, or a command that prints a JSON line with tok_s; may be given more than once");
  app.add_option("--threads-sweep", arguments->threads_sweep,
                 "also time the works with each of these numbers of threads: 1,2")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--plot", arguments->plot,
                 "write a picture of the ratios and limits: FILE.svg or FILE.html");
  app.add_option("--roofline", arguments->roofline,
                 "also time the products of the model's matrices and write a roofline picture: FILE.svg");
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kBenchCommand = {
    .name = "bench",
    .summary =
        "speed of prompts, decoding, training and evaluation beside the machine's limits and other programs",
    .example =
        "hone bench --model smollm2-135m-instruct --only prefill,decode --peer llama.cpp=./llama-bench",
    .declare = declare,
};

}  // namespace hone::cli
