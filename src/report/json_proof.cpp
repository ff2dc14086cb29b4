#include "report/json_proof.h"

#include "report/json_values.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

// The members, listed once for both directions.
template <typename Change, typename Visit>
void visit_change(Change& change, Visit visit) {
  visit("stage", change.stage);
  visit("against", change.against);
  visit("difference", change.difference);
  visit("to_wrong", change.to_wrong);
  visit("to_right", change.to_right);
  visit("p", change.p);
  visit("p_holm", change.p_holm);
  visit("gain_kept", change.gain_kept);
}

template <typename Answer, typename Visit>
void visit_changed(Answer& answer, Visit visit) {
  visit("stage", answer.stage);
  visit("against", answer.against);
  visit("question", answer.question);
  visit("expected", answer.expected);
  visit("before", answer.before);
  visit("after", answer.after);
  visit("to_right", answer.to_right);
}

template <typename Value, typename Visit>
void visit_category(Value& value, Visit visit) {
  visit("category", value.category);
  visit("stage", value.stage);
  visit("value", value.value);
}

template <typename Table, typename Visit>
void visit_table(Table& table, Visit visit) {
  visit("name", table.name);
  visit("title", table.title);
  visit("metric", table.metric);
  visit("protocol", table.protocol);
  visit("general", table.general);
  visit("n", table.n);
}

template <typename Part, typename Visit>
void visit_part(Part& part, Visit visit) {
  visit("stage", part.stage);
  visit("part", part.part);
  visit("loss", part.loss);
  visit("kl", part.kl);
}

template <typename Gate, typename Visit>
void visit_gate(Gate& gate, Visit visit) {
  visit("gate", gate.gate);
  visit("stage", gate.stage);
  visit("subject", gate.subject);
  visit("value", gate.value);
  visit("limit", gate.limit);
  visit("at_least", gate.at_least);
  visit("passed", gate.passed);
  visit("verdict", gate.verdict);
  visit("repaired_by", gate.repaired_by);
}

template <typename Attempt, typename Visit>
void visit_attempt(Attempt& attempt, Visit visit) {
  visit("file", attempt.file);
  visit("remedy", attempt.remedy);
  visit("stage", attempt.stage);
  visit("what", attempt.what);
  visit("file_bytes", attempt.file_bytes);
  visit("gain_kept", attempt.gain_kept);
  visit("kl", attempt.kl);
  visit("passed", attempt.passed);
  visit("chosen", attempt.chosen);
}

template <typename Row, typename Visit>
void visit_rarity(Row& row, Visit visit) {
  visit("low", row.low);
  visit("high", row.high);
  visit("n", row.n);
  visit("stage", row.stage);
  visit("loss", row.loss);
  visit("against", row.against);
}

template <typename Risk, typename Visit>
void visit_risk(Risk& risk, Visit visit) {
  visit("kind", risk.kind);
  visit("of", risk.of);
  visit("value", risk.value);
}

template <typename Group, typename Visit>
void visit_group(Group& group, Visit visit) {
  visit("format", group.format);
  visit("group", group.group);
  visit("kl", group.kl);
  visit("weights", group.weights);
}

template <typename Rival, typename Visit>
void visit_rival(Rival& rival, Visit visit) {
  visit("stage", rival.stage);
  visit("advantage", rival.advantage);
}

}  // namespace

void add_proof(const RunReport& report, Json& json) {
  for (const TaskTable& table : report.tasks) {
    Json& out = json["tasks"].emplace_back(Json::object());
    visit_table(table, JsonWriter{out});
    out["changes"] = Json::array();
    for (const TaskChange& change : table.changes)
      visit_change(change, JsonWriter{out["changes"].emplace_back(Json::object())});
    for (const CategoryValue& value : table.categories)
      visit_category(value, JsonWriter{out["categories"].emplace_back(Json::object())});
    out["changed"] = Json::array();
    for (const ChangedAnswer& answer : table.changed)
      visit_changed(answer, JsonWriter{out["changed"].emplace_back(Json::object())});
  }
  for (const LossPart& part : report.loss_parts)
    visit_part(part, JsonWriter{json["loss_parts"].emplace_back(Json::object())});
  for (const RepairAttempt& attempt : report.repairs)
    visit_attempt(attempt, JsonWriter{json["repairs"].emplace_back(Json::object())});
  for (const GroupSensitivity& group : report.sensitivity)
    visit_group(group, JsonWriter{json["sensitivity"].emplace_back(Json::object())});
  for (const RarityRow& row : report.rarity)
    visit_rarity(row, JsonWriter{json["rarity"].emplace_back(Json::object())});
  for (const RiskRow& risk : report.risks)
    visit_risk(risk, JsonWriter{json["risks"].emplace_back(Json::object())});
  for (const RivalResult& rival : report.rivals)
    visit_rival(rival, JsonWriter{json["rivals"].emplace_back(Json::object())});
  for (const GateResult& gate : report.gates)
    visit_gate(gate, JsonWriter{json["gates"].emplace_back(Json::object())});
}

void read_proof(const JsonReader& reader, RunReport& report) {
  const auto into = [](const JsonReader& from) {
    return [&from](const char* key, auto& value) { from.read(key, value); };
  };
  reader.each("tasks", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    TaskTable& table = report.tasks.emplace_back();
    visit_table(table, into(from));
    from.each("changes", [&](const Json& change, const std::string& place) {
      const JsonReader reads(change, place);
      visit_change(table.changes.emplace_back(), into(reads));
    });
    from.each("categories", [&](const Json& value, const std::string& place) {
      const JsonReader reads(value, place);
      visit_category(table.categories.emplace_back(), into(reads));
    });
    from.each("changed", [&](const Json& answer, const std::string& place) {
      const JsonReader reads(answer, place);
      visit_changed(table.changed.emplace_back(), into(reads));
    });
  });
  reader.each("loss_parts", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_part(report.loss_parts.emplace_back(), into(from));
  });
  reader.each("repairs", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_attempt(report.repairs.emplace_back(), into(from));
  });
  reader.each("sensitivity", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_group(report.sensitivity.emplace_back(), into(from));
  });
  reader.each("rarity", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_rarity(report.rarity.emplace_back(), into(from));
  });
  reader.each("risks", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_risk(report.risks.emplace_back(), into(from));
  });
  reader.each("rivals", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_rival(report.rivals.emplace_back(), into(from));
  });
  reader.each("gates", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    visit_gate(report.gates.emplace_back(), into(from));
  });
}

}  // namespace hone
