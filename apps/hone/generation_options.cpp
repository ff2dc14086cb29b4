#include "generation_options.h"

#include <fmt/format.h>

namespace hone::cli {

void declare_generation(CLI::App& app, GenerateOptions& options) {
  SamplingOptions& sampling = options.sampling;
  const auto with_default = [](const char* text, auto value) {
    return fmt::format("{} (default {})", text, value);
  };
  app.add_option("-n,--max-tokens", options.max_tokens,
                 with_default("most tokens to generate", options.max_tokens))
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--temperature", sampling.temperature, with_default("0 = greedy", sampling.temperature));
  app.add_option("--top-k", sampling.top_k,
                 with_default("keep the k likeliest tokens, 0 = off", sampling.top_k));
  app.add_option("--top-p", sampling.top_p,
                 with_default("keep the likeliest tokens up to this probability", sampling.top_p));
  app.add_option("--min-p", sampling.min_p,
                 with_default("drop tokens below this share of the best", sampling.min_p));
  app.add_option("--repeat-penalty", sampling.repeat_penalty,
                 with_default("1 = off", sampling.repeat_penalty));
  app.add_option("--repeat-last-n", sampling.repeat_last_n,
                 with_default("tokens the penalty looks at, -1 = all", sampling.repeat_last_n));
  app.add_option("--stop", options.stop, "end before this text; may be given several times");
}

void declare_cache_type(CLI::App& app, std::string& cache_type) {
  app.add_option("--cache-type", cache_type,
                 "how keys and values are kept: f32, f16 or q8_0 (default f16; f32 with --precise)")
      ->check(CLI::IsMember({"f32", "f16", "q8_0"}));
}

}  // namespace hone::cli
