// RunReport to JSON and back. Keys are what scripts rely on: add, never rename. Not-finite numbers are null.
#include <cmath>
#include <string>

#include "report/json_proof.h"
#include "report/json_reader.h"
#include "report/json_values.h"
#include "report/report.h"
#include "report/text.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;
// valid_utf8 everywhere: Json::dump throws on malformed text; answers of a small model may be cut
// mid-character.

Json strings_json(const std::vector<std::string>& strings) {
  Json array = Json::array();
  for (const std::string& text : strings) array.push_back(valid_utf8(text));
  return array;
}

Json pairs_json(const std::vector<std::pair<std::string, std::string>>& pairs, const char* first,
                const char* second) {
  Json array = Json::array();
  for (const auto& [a, b] : pairs) array.push_back({{first, valid_utf8(a)}, {second, valid_utf8(b)}});
  return array;
}

Json point_json(const LossPoint& point) {
  Json json = {{"step", point.step}, {"tokens", point.tokens}, {"train_loss", number_json(point.train_loss)}};
  if (point.valid_loss) json["valid_loss"] = number_json(*point.valid_loss);
  json["lr"] = number_json(point.lr);
  return json;
}

Json numbers_json(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(number_json(value));
  return array;
}

// Runs of before a stage's role was written down.
std::string role_by_name(const std::string& name) {
  return name == "base" || name == "tuned" || name == "merged" ? name : "file";
}

StageResult stage_from_json(const Json& json, const std::string& where) {
  const JsonReader reader(json, where);
  StageResult stage;
  reader.read("name", stage.name);
  stage.role = role_by_name(stage.name);
  reader.read("role", stage.role);
  reader.read("status", stage.status);
  reader.read("file", stage.file);
  reader.read("what", stage.what);
  reader.read("file_bytes", stage.file_bytes);
  reader.read("bits_per_weight", stage.bits_per_weight);
  reader.read("seconds", stage.seconds);
  reader.read("metrics", stage.metrics);
  reader.read("gain_kept", stage.gain_kept);
  reader.members("sums", [&](const std::string& metric, const Json& item, const std::string& place) {
    const JsonReader sums(item, place);
    sums.read("data", stage.sums[metric].data);
    sums.read("values", stage.sums[metric].values);
  });
  return stage;
}

LossPoint point_from_json(const Json& json, const std::string& where) {
  const JsonReader reader(json, where);
  LossPoint point;
  reader.read("step", point.step);
  reader.read("tokens", point.tokens);
  reader.read("train_loss", point.train_loss);
  reader.read("valid_loss", point.valid_loss);
  reader.read("lr", point.lr);
  return point;
}

// The plain members, listed once for both directions.
template <typename Report, typename Visit>
void visit_plain(Report& report, Visit visit) {
  visit("name", report.name);
  visit("date", report.date);
  visit("hone_version", report.hone_version);
  visit("base_model", report.base_model);
  visit("base_fingerprint", report.base_fingerprint);
  visit("recipe_path", report.recipe_path);
  visit("recipe_text", report.recipe_text);
  visit("machine", report.machine);
  visit("command", report.command);
  visit("compute_mode", report.compute_mode);
  visit("perplexity_protocol", report.perplexity_protocol);
  visit("kl_reference", report.kl_reference);
  visit("dataset_note", report.dataset_note);
  visit("total_seconds", report.total_seconds);
  visit("peak_rss_bytes", report.peak_rss_bytes);
  visit("trainable_parameters", report.trainable_parameters);
  visit("train_tokens", report.train_tokens);
  visit("train_tok_s", report.train_tok_s);
}

}  // namespace

Json to_json(const StageResult& stage) {
  Json json = {{"name", valid_utf8(stage.name)},
               {"role", valid_utf8(stage.role)},
               {"status", valid_utf8(stage.status)},
               {"file", valid_utf8(stage.file)},
               {"what", valid_utf8(stage.what)},
               {"file_bytes", stage.file_bytes},
               {"bits_per_weight", number_json(stage.bits_per_weight)},
               {"seconds", number_json(stage.seconds)},
               {"metrics", Json::object()}};
  for (const auto& [key, measured] : stage.metrics)
    json["metrics"][valid_utf8(key)] = measured_json(measured);
  if (stage.gain_kept) json["gain_kept"] = measured_json(*stage.gain_kept);
  for (const auto& [metric, sums] : stage.sums)
    json["sums"][valid_utf8(metric)] = {{"data", valid_utf8(sums.data)},
                                        {"values", numbers_json(sums.values)}};
  return json;
}

Json to_json(const RunReport& report) {
  Json json = Json::object();
  visit_plain(report, JsonWriter{json});
  json["tuning"] = pairs_json(report.tuning, "name", "value");
  if (report.cost)
    json["cost"] = {{"currency", valid_utf8(report.cost->currency)},
                    {"hourly", number_json(report.cost->hourly)},
                    {"amount", number_json(report.cost->amount)}};
  if (report.tuning_gain) json["tuning_gain"] = measured_json(*report.tuning_gain);
  if (report.general_change) json["general_change"] = measured_json(*report.general_change);
  add_proof(report, json);
  for (const auto& [name, data] : report.test_data)
    json["test_data"][valid_utf8(name)] = {{"hash", valid_utf8(data.hash)},
                                           {"counts", numbers_json(data.counts)}};
  json["stages"] = Json::array();
  for (const StageResult& stage : report.stages) json["stages"].push_back(to_json(stage));
  json["loss_curve"] = Json::array();
  for (const LossPoint& point : report.loss_curve) json["loss_curve"].push_back(point_json(point));
  json["examples"] = Json::array();
  for (const ExampleAnswers& example : report.examples) {
    json["examples"].push_back({{"question", valid_utf8(example.question)},
                                {"reference", valid_utf8(example.reference)},
                                {"answers", pairs_json(example.answers, "stage", "text")}});
  }
  json["next_commands"] = strings_json(report.next_commands);
  json["notes"] = strings_json(report.notes);
  return json;
}

RunReport from_json(const Json& json) {
  const JsonReader reader(json, "");
  RunReport report;
  visit_plain(report, [&](const char* key, auto& value) { reader.read(key, value); });
  reader.read("tuning", "name", "value", report.tuning);
  if (json.contains("cost")) {
    const JsonReader cost(json.at("cost"), "cost");
    RunCost& out = report.cost.emplace();
    cost.read("currency", out.currency);
    cost.read("hourly", out.hourly);
    cost.read("amount", out.amount);
  }
  reader.read("tuning_gain", report.tuning_gain);
  reader.read("general_change", report.general_change);
  read_proof(reader, report);
  reader.members("test_data", [&](const std::string& name, const Json& item, const std::string& where) {
    const JsonReader data(item, where);
    data.read("hash", report.test_data[name].hash);
    data.read("counts", report.test_data[name].counts);
  });
  reader.each("stages", [&](const Json& item, const std::string& where) {
    report.stages.push_back(stage_from_json(item, where));
  });
  reader.each("loss_curve", [&](const Json& item, const std::string& where) {
    report.loss_curve.push_back(point_from_json(item, where));
  });
  reader.each("examples", [&](const Json& item, const std::string& where) {
    const JsonReader example_reader(item, where);
    ExampleAnswers example;
    example_reader.read("question", example.question);
    example_reader.read("reference", example.reference);
    example_reader.read("answers", "stage", "text", example.answers);
    report.examples.push_back(std::move(example));
  });
  reader.read("next_commands", report.next_commands);
  reader.read("notes", report.notes);
  return report;
}

}  // namespace hone
