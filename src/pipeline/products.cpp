#include "pipeline/products.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/progress.h"
#include "io/gguf.h"
#include "pipeline/read_back.h"
#include "tune/merge.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Raise one when that stage's result changes for the same inputs.
constexpr int kMergeVersion = 1;
constexpr int kQuantizeVersion = 1;

Product product(const std::string& stage, const std::string& what, const fs::path& path, const Json& stored,
                bool cached) {
  Product out;
  const GgufFile file(path);
  out.result.name = stage;
  out.result.role = "file";
  out.result.status = cached ? "cached" : "done";
  out.result.what = what;
  out.result.seconds = stored.at("seconds").get<double>();
  out.result.file = path.filename().string();
  out.result.file_bytes = file.file_bytes();
  out.result.bits_per_weight = BitsPerWeight(file).value();
  out.model = {.stage = stage,
               .model = path.string(),
               .adapter = {},
               .model_hash = content_hash(path),
               .adapter_hash = {},
               .bytes = file.file_bytes(),
               .answers = true};
  return out;
}

Json merge_now(RunContext& run, const fs::path& path) {
  say(fmt::format("merging the adapter into {}", path.string()));
  const auto start = std::chrono::steady_clock::now();
  MergeOptions options;
  options.format = run.recipe.merge_format;
  const AdapterChoice adapter{.path = run.folder() / "adapter"};
  const MergeResult merged =
      merge(*run.opened.source, run.base_fingerprint, std::span(&adapter, 1), path, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {{"max_logit_difference", merged.max_logit_difference}, {"seconds", seconds}};
}

}  // namespace

Product merge_product(RunContext& run, const std::string& adapter_hash) {
  const std::string& format = run.recipe.merge_format;
  const fs::path path = run.product_path(format);
  const std::string key = key_of({{"stage", "merge"},
                                  {"version", kMergeVersion},
                                  {"base", run.base_hash},
                                  {"adapter", adapter_hash},
                                  {"format", format}});
  std::optional<Json> stored = run.store.find("merge", key);
  const bool cached = stored.has_value();
  if (!cached) {
    stored = merge_now(run, path);
    run.store.save("merge", key, *stored, {path.filename()});
  }
  run.notes.push_back(fmt::format("Merging changed no logit by more than {:.2g}.",
                                  stored->at("max_logit_difference").get<double>()));
  Product out = product("merged", fmt::format("the adapter merged into the weights, {}", format), path,
                        *stored, cached);
  out.result.role = "merged";
  out.model.answers = false;
  return out;
}

Product quantize_product(RunContext& run, const Product& merged, const std::string& format) {
  return quantize_mixed(run, merged, format, format, {});
}

Product quantize_mixed(RunContext& run, const Product& merged, const std::string& format,
                       const std::string& stage, const std::vector<FormatOverride>& overrides) {
  const fs::path path = run.product_path(stage);
  Json key_json = {{"stage", "quantize"},
                   {"version", kQuantizeVersion},
                   {"source", merged.model.model_hash},
                   {"format", format},
                   {"method", "rtn"}};
  for (const FormatOverride& o : overrides) key_json["overrides"].push_back({o.pattern, o.format->name});
  const std::string key = key_of(key_json);
  std::optional<Json> stored = run.store.find("quantize-" + stage, key);
  const bool cached = stored.has_value();
  if (!cached) {
    GgufFile source(merged.model.model);
    QuantizeOptions options;
    options.target = &mix_named(format);
    options.overrides = overrides;
    const QuantizeResult made = quantize_file(source, path, options);
    read_back(source, path, made);
    stored = Json{{"seconds", made.seconds}, {"notes", made.notes}};
    run.store.save("quantize-" + stage, key, *stored, {path.filename()});
  }
  for (const Json& note : stored->at("notes")) {
    std::string text = stage + ": " + note.get<std::string>();
    const bool known = std::find(run.notes.begin(), run.notes.end(), text) != run.notes.end();
    if (!known) run.notes.push_back(std::move(text));  // a remedy may be a file that the recipe has, too
  }
  return product(stage, fmt::format("the merged model rounded to {}, read back from its file", format), path,
                 *stored, cached);
}

}  // namespace hone
