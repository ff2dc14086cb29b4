#include "pipeline/train_stage.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "tune/adapter_files.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int kVersion = 2;  // raise when the result changes for the same inputs

Json to_json(const TrainResult& result) {
  Json json;
  json["tokens"] = result.tokens;
  json["tok_s"] = result.tok_s;
  json["seconds"] = result.seconds;
  json["trainable_parameters"] = result.trainable_parameters;
  json["peak_rss_bytes"] = result.peak_rss_bytes;
  json["best_step"] = result.best_step;
  json["curve"] = Json::array();
  for (const StepRecord& step : result.curve) {
    const Json valid = step.valid_loss ? Json(*step.valid_loss) : Json(nullptr);
    json["curve"].push_back({step.step, step.tokens, step.train_loss, valid, step.lr});
  }
  return json;
}

void read_json(const Json& json, TrainedAdapter& out) {
  out.tokens = json.at("tokens").get<uint64_t>();
  out.tok_s = json.at("tok_s").get<double>();
  out.seconds = json.at("seconds").get<double>();
  out.trainable_parameters = json.at("trainable_parameters").get<uint64_t>();
  out.peak_rss_bytes = json.at("peak_rss_bytes").get<uint64_t>();
  for (const Json& step : json.at("curve")) {
    LossPoint point;
    point.step = step.at(0).get<uint64_t>();
    point.tokens = step.at(1).get<uint64_t>();
    point.train_loss = step.at(2).get<double>();
    if (!step.at(3).is_null()) point.valid_loss = step.at(3).get<double>();
    point.lr = step.at(4).get<double>();
    out.curve.push_back(point);
  }
}

Json train_now(StageStore& store, const std::string& stage, const std::string& name, Model& model,
               const TrainData& data, const BaseInfo& base, const TrainConfig& config,
               const std::string& key) {
  const fs::path output = store.folder() / name;
  make_directories(output);
  Json json = to_json(train(model, data, base, config, output));
  std::error_code error;
  std::vector<fs::path> artifacts = {fs::path(name) / "peft"};
  if (fs::exists(output / "adapter.gguf", error)) artifacts.push_back(fs::path(name) / "adapter.gguf");
  store.save(stage, key, json, artifacts, json.at("seconds").get<double>());
  return json;
}

}  // namespace

TrainedAdapter train_stage(StageStore& store, const std::string& stage, const std::string& name,
                           const std::function<Model&()>& model, const TrainData& data, const BaseInfo& base,
                           const TrainConfig& config) {
  const Json key_json = {{"stage", stage},
                         {"version", kVersion},
                         {"base", base.fingerprint},
                         {"train", data.train.content_hash},
                         {"valid", data.valid != nullptr ? data.valid->content_hash : ""},
                         {"settings", settings_json(config)},
                         {"compute", compute_mode_name(training_mode(config.precise))}};
  const std::string key = key_of(key_json);
  TrainedAdapter out;
  std::optional<Json> stored = store.find(stage, key);
  out.cached = stored.has_value();
  if (!stored) stored = train_now(store, stage, name, model(), data, base, config, key);
  read_json(*stored, out);
  const fs::path adapter = store.folder() / name;
  out.hash = adapter_file_hash(adapter);
  out.file_bytes = fs::file_size(adapter / "peft" / "adapter_model.safetensors");
  return out;
}

}  // namespace hone
