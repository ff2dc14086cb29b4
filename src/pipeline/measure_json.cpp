// Measurements in the form that is stored: sums per document.
#include "pipeline/measure.h"

namespace hone {

using Json = nlohmann::ordered_json;

namespace {

Json to_json(const std::vector<DocumentScore>& documents) {
  Json out = Json::array();
  for (const DocumentScore& d : documents) out.push_back({d.sum, d.count});
  return out;
}

std::vector<DocumentScore> documents_from_json(const Json& json) {
  std::vector<DocumentScore> out;
  for (const Json& d : json) out.push_back({d.at(0).get<double>(), d.at(1).get<double>()});
  return out;
}

Json to_json(const Scores& scores) {
  return {{"nll", to_json(scores.nll)}, {"kl", to_json(scores.kl)}, {"top1", to_json(scores.top1)}};
}

Scores scores_from_json(const Json& json) {
  return {.nll = documents_from_json(json.at("nll")),
          .kl = documents_from_json(json.at("kl")),
          .top1 = documents_from_json(json.at("top1"))};
}

}  // namespace

Json to_json(const Timing& timing) {
  const Latency& latency = timing.latency;
  Json out = {{"prefill_tok_s", timing.prefill_tok_s},
              {"decode_tok_s", timing.decode_tok_s},
              {"latency", {latency.first, latency.median, latency.p95}}};
  if (latency.joules) out["joules"] = *latency.joules;
  return out;
}

Timing timing_from_json(const Json& json) {
  const auto latency = json.at("latency").get<std::vector<double>>();
  Timing out{
      .prefill_tok_s = json.at("prefill_tok_s").get<double>(),
      .decode_tok_s = json.at("decode_tok_s").get<double>(),
      .latency = {.first = latency.at(0), .median = latency.at(1), .p95 = latency.at(2), .joules = {}}};
  if (json.contains("joules")) out.latency.joules = json.at("joules").get<double>();
  return out;
}

Json to_json(const Measurement& measurement) {
  Json out;
  out["chats"] = to_json(measurement.chats);
  out["general"] = to_json(measurement.general);
  out["rarity"] = Json::array();
  for (const RarityBucket& bucket : measurement.rarity)
    out["rarity"].push_back({{"low", bucket.low}, {"high", bucket.high}, {"nll", to_json(bucket.nll)}});
  out["answers"] = measurement.answers;
  out["seconds"] = measurement.seconds;
  return out;
}

Measurement measurement_from_json(const Json& json) {
  Measurement out;
  out.chats = scores_from_json(json.at("chats"));
  out.general = scores_from_json(json.at("general"));
  for (const Json& bucket : json.at("rarity"))
    out.rarity.push_back({bucket.at("low").get<uint64_t>(), bucket.at("high").get<uint64_t>(),
                          documents_from_json(bucket.at("nll"))});
  out.answers = json.at("answers").get<std::vector<std::string>>();
  out.seconds = json.at("seconds").get<double>();
  return out;
}

Json to_json(const ErrorParts& parts) {
  return {{"precise", to_json(parts.precise)}, {"cached", to_json(parts.cached)}};
}

ErrorParts error_parts_from_json(const Json& json) {
  return {.precise = scores_from_json(json.at("precise")), .cached = scores_from_json(json.at("cached"))};
}

}  // namespace hone
