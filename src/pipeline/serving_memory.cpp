#include "pipeline/serving_memory.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/private_folder.h"
#include "base/program.h"
#include "base/progress.h"
#include "base/threads.h"

namespace hone {
namespace {

constexpr double kMostSeconds = 3600;
constexpr int kTokens = 32;

std::optional<uint64_t> peak_in(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("peak_rss_bytes") || !json["peak_rss_bytes"].is_number_unsigned())
    return std::nullopt;
  return json["peak_rss_bytes"].get<uint64_t>();
}

}  // namespace

std::optional<uint64_t> measure_serving_memory(const std::string& program, const ServedModel& served,
                                               const std::string& prompt, ComputeMode compute) {
  const PrivateFolder folder;
  const std::filesystem::path input = folder.path() / "prompt.txt", output = folder.path() / "answer.json";
  write_file(input, prompt);
  std::vector<std::string> arguments = {program,
                                        "generate",
                                        "--model",
                                        served.model,
                                        "--raw",
                                        "--prompt-file",
                                        input.string(),
                                        "--max-tokens",
                                        fmt::to_string(kTokens),
                                        "--temperature",
                                        "0",
                                        "--threads",
                                        fmt::to_string(thread_pool().size()),
                                        "--json",
                                        "--quiet"};
  for (const AdapterChoice& adapter : served.adapters) {
    arguments.emplace_back("--adapter");
    arguments.push_back(to_text(adapter));
  }
  if (compute == ComputeMode::kPrecise) arguments.emplace_back("--precise");
  std::string why;
  try {
    const ProgramEnd end = run_program(arguments, input, kMostSeconds, output);
    if (!end.timed_out && end.exit_code == 0)
      if (const auto peak = peak_in(read_file(output))) return peak;
    why = fmt::format("{} generate ended with {}", program,
                      end.timed_out ? "the time limit" : fmt::format("exit status {}", end.exit_code));
  } catch (const Error& error) {  // a run does not end for this
    if (error.code() == ErrorCode::kCancelled) throw;
    why = error.what();
  }
  say(fmt::format("{}: memory to serve it: not measured: {}", served.model, why));
  return std::nullopt;
}

}  // namespace hone
