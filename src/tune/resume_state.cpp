#include "tune/resume_state.h"

#include <cstring>

#include "base/error.h"
#include "io/safetensors.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

constexpr int kVersion = 2;

SafeTensor as_safetensor(std::string name, const Tensor& tensor) {
  return {.name = std::move(name),
          .dtype = "F32",
          .shape = {tensor.shape().begin(), tensor.shape().end()},
          .data = std::as_bytes(std::span(tensor.data(), tensor.size()))};
}

void copy_into(const SafetensorsFile& file, const std::filesystem::path& path, const std::string& name,
               const Tensor& tensor) {
  const SafeTensor* found = file.find(name);
  if (found == nullptr)
    fail(ErrorCode::kCorruption, "{}: tensor '{}' is missing; start afresh with --restart", path.string(),
         name);
  if (found->dtype != "F32" || found->data.size() != tensor.size() * sizeof(float))
    fail(ErrorCode::kCorruption,
         "{}: tensor '{}': got {} bytes of {}, expected {} of F32; start afresh with --restart",
         path.string(), name, found->data.size(), found->dtype, tensor.size() * sizeof(float));
  std::memcpy(tensor.data(), found->data.data(), found->data.size());
}

ordered_json optional_number(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}
std::optional<double> optional_number(const ordered_json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<double>();
}

ordered_json to_json(const ResumeState& state) {
  ordered_json history = ordered_json::array();
  for (const StepRecord& r : state.history)
    history.push_back({r.step, r.tokens, r.train_loss, optional_number(r.valid_loss), r.lr, r.grad_norm});
  return {{"steps_done", state.steps_done},
          {"tokens", state.tokens},
          {"best_loss", optional_number(state.best_loss)},
          {"best_step", state.best_step},
          {"seconds", state.seconds},
          {"validation_seconds", state.validation_seconds},
          {"history", std::move(history)}};
}

ResumeState state_from_json(const ordered_json& json) {
  ResumeState state;
  state.steps_done = json.at("steps_done").get<size_t>();
  state.tokens = json.at("tokens").get<uint64_t>();
  state.best_loss = optional_number(json.at("best_loss"));
  state.best_step = json.at("best_step").get<size_t>();
  state.seconds = json.at("seconds").get<double>();
  state.validation_seconds = json.at("validation_seconds").get<double>();
  for (const ordered_json& row : json.at("history")) {
    state.history.push_back({.step = row.at(0).get<size_t>(),
                             .tokens = row.at(1).get<uint64_t>(),
                             .train_loss = row.at(2).get<double>(),
                             .valid_loss = optional_number(row.at(3)),
                             .lr = row.at(4).get<double>(),
                             .grad_norm = row.at(5).get<double>()});
  }
  return state;
}

// "'lr' was 0.002, now 0.001" for every setting that differs.
std::vector<std::string> differences(const ordered_json& now, const ordered_json& then) {
  std::vector<std::string> all;
  const auto compare = [&](const std::string& key) {
    const auto text = [&](const ordered_json& settings) {
      return settings.contains(key) ? settings.at(key).dump() : "not known";
    };
    if (text(now) != text(then))
      all.push_back(fmt::format("'{}' was {}, now {}", key, text(then), text(now)));
  };
  for (const auto& [key, value] : now.items()) compare(key);
  for (const auto& [key, value] : then.items()) {
    if (!now.contains(key)) compare(key);
  }
  return all;
}

void check_same_settings(const std::filesystem::path& path, const ordered_json& now, const ordered_json& then,
                         size_t steps_done) {
  const std::vector<std::string> changed = differences(now, then);
  if (changed.empty()) return;
  fail(
      ErrorCode::kInvalidArgument,
      "{}: a training that stopped after step {} had other settings: {}; give the earlier ones to go on from "
      "there, or --restart to start anew",
      path.string(), steps_done, fmt::join(changed, ", "));
}

}  // namespace

std::filesystem::path resume_path(const std::filesystem::path& output) {
  return output / "resume.safetensors";
}

void save_resume_state(const std::filesystem::path& path, const ordered_json& settings,
                       const AdapterSet& adapters, AdamW& optimizer, const ResumeState& state) {
  std::vector<SafeTensor> tensors;
  const std::vector<Parameter*> parameters = adapters.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i]->name;
    tensors.push_back(as_safetensor("value." + name, parameters[i]->value));
    tensors.push_back(as_safetensor("moment1." + name, optimizer.first_moments()[i]));
    tensors.push_back(as_safetensor("moment2." + name, optimizer.second_moments()[i]));
    if (!state.best.empty()) tensors.push_back(as_safetensor("best." + name, state.best[i]));
  }
  write_safetensors(path, tensors,
                    {{"format", "pt"},
                     {"hone_resume", std::to_string(kVersion)},
                     {"settings", settings.dump()},
                     {"state", to_json(state).dump()}});
}

std::optional<ResumeState> load_resume_state(const std::filesystem::path& path, const ordered_json& settings,
                                             const AdapterSet& adapters, AdamW& optimizer) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const SafetensorsFile file(path);
  const auto text = [&](const char* key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end())
      fail(ErrorCode::kCorruption, "{}: '{}' is missing from the header; start afresh with --restart",
           path.string(), key);
    return found->second;
  };
  if (text("hone_resume") != std::to_string(kVersion))
    fail(ErrorCode::kNotSupported, "{}: resume version: got {}, expected {}; start afresh with --restart",
         path.string(), text("hone_resume"), kVersion);
  ResumeState state;
  try {
    state = state_from_json(ordered_json::parse(text("state")));
    check_same_settings(path, settings, ordered_json::parse(text("settings")), state.steps_done);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kCorruption, "{}: {}; start afresh with --restart", path.string(), error.what());
  }
  const std::vector<Parameter*> parameters = adapters.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i]->name;
    copy_into(file, path, "value." + name, parameters[i]->value);
    copy_into(file, path, "moment1." + name, optimizer.first_moments()[i]);
    copy_into(file, path, "moment2." + name, optimizer.second_moments()[i]);
    if (state.best_loss) {
      state.best.push_back(Tensor::empty(parameters[i]->value.shape()));
      copy_into(file, path, "best." + name, state.best.back());
    }
  }
  optimizer.set_steps_done(state.steps_done);
  return state;
}

}  // namespace hone
