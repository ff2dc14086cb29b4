#include "report/json_proof.h"

#include "report/json_values.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

// The members of a row, listed once for both directions.
template <typename Row>
struct Members;

template <>
struct Members<TaskChange> {
  static void visit_all(auto& change, auto visit) {
    visit("stage", change.stage);
    visit("against", change.against);
    visit("difference", change.difference);
    visit("to_wrong", change.to_wrong);
    visit("to_right", change.to_right);
    visit("p", change.p);
    visit("p_holm", change.p_holm);
    visit("p_of_metric", change.p_of_metric);
    visit("gain_kept", change.gain_kept);
  }
};

template <>
struct Members<ChangedAnswer> {
  static void visit_all(auto& answer, auto visit) {
    visit("stage", answer.stage);
    visit("against", answer.against);
    visit("question", answer.question);
    visit("expected", answer.expected);
    visit("before", answer.before);
    visit("after", answer.after);
    visit("to_right", answer.to_right);
  }
};

template <>
struct Members<CategoryValue> {
  static void visit_all(auto& value, auto visit) {
    visit("category", value.category);
    visit("stage", value.stage);
    visit("value", value.value);
  }
};

template <>
struct Members<TaskTable> {
  static void visit_all(auto& table, auto visit) {
    visit("name", table.name);
    visit("title", table.title);
    visit("metric", table.metric);
    visit("protocol", table.protocol);
    visit("general", table.general);
    visit("n", table.n);
  }
};

template <>
struct Members<LossPart> {
  static void visit_all(auto& part, auto visit) {
    visit("stage", part.stage);
    visit("part", part.part);
    visit("loss", part.loss);
    visit("kl", part.kl);
  }
};

template <>
struct Members<GateResult> {
  static void visit_all(auto& gate, auto visit) {
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
};

template <>
struct Members<RepairAttempt> {
  static void visit_all(auto& attempt, auto visit) {
    visit("file", attempt.file);
    visit("remedy", attempt.remedy);
    visit("stage", attempt.stage);
    visit("what", attempt.what);
    visit("file_bytes", attempt.file_bytes);
    visit("gain_kept", attempt.gain_kept);
    visit("kl", attempt.kl);
    visit("missed", attempt.missed);
    visit("passed", attempt.passed);
    visit("chosen", attempt.chosen);
  }
};

template <>
struct Members<RarityRow> {
  static void visit_all(auto& row, auto visit) {
    visit("low", row.low);
    visit("high", row.high);
    visit("n", row.n);
    visit("stage", row.stage);
    visit("loss", row.loss);
    visit("against", row.against);
  }
};

template <>
struct Members<RiskRow> {
  static void visit_all(auto& risk, auto visit) {
    visit("kind", risk.kind);
    visit("of", risk.of);
    visit("value", risk.value);
  }
};

template <>
struct Members<GroupSensitivity> {
  static void visit_all(auto& group, auto visit) {
    visit("format", group.format);
    visit("group", group.group);
    visit("kl", group.kl);
    visit("weights", group.weights);
  }
};

template <>
struct Members<RivalResult> {
  static void visit_all(auto& rival, auto visit) {
    visit("stage", rival.stage);
    visit("advantage", rival.advantage);
  }
};

template <>
struct Members<Finding> {
  static void visit_all(auto& finding, auto visit) {
    visit("kind", finding.kind);
    visit("stage", finding.stage);
    visit("value", finding.value);
  }
};

template <typename Row>
void write_row(const Row& row, Json& json) {
  Members<Row>::visit_all(row, JsonWriter{json});
}

// A list without rows is left out.
struct ListWriter {
  Json& json;
  template <typename Row>
  void operator()(const char* key, const std::vector<Row>& rows) const {
    for (const Row& row : rows) write_row(row, json[key].emplace_back(Json::object()));
  }
};

template <typename Row>
void read_row(const JsonReader& reader, Row& row) {
  Members<Row>::visit_all(row, [&](const char* key, auto& value) { reader.read(key, value); });
}

struct ListReader {
  const JsonReader& reader;
  template <typename Row>
  void operator()(const char* key, std::vector<Row>& rows) const {
    reader.each(key, [&](const Json& item, const std::string& where) {
      read_row(JsonReader(item, where), rows.emplace_back());
    });
  }
};

template <typename Report, typename Visit>
void visit_lists(Report& report, Visit visit) {
  visit("loss_parts", report.loss_parts);
  visit("repairs", report.repairs);
  visit("sensitivity", report.sensitivity);
  visit("rarity", report.rarity);
  visit("risks", report.risks);
  visit("rivals", report.rivals);
  visit("gates", report.gates);
}

}  // namespace

void add_proof(const RunReport& report, Json& json) {
  ListWriter{json}("findings", report.findings);
  for (const TaskTable& table : report.tasks) {
    Json& out = json["tasks"].emplace_back(Json::object());
    write_row(table, out);
    out["changes"] = Json::array();
    ListWriter{out}("changes", table.changes);
    ListWriter{out}("categories", table.categories);
    out["changed"] = Json::array();
    ListWriter{out}("changed", table.changed);
  }
  visit_lists(report, ListWriter{json});
}

void read_proof(const JsonReader& reader, RunReport& report) {
  ListReader{reader}("findings", report.findings);
  reader.each("tasks", [&](const Json& item, const std::string& where) {
    const JsonReader from(item, where);
    TaskTable& table = report.tasks.emplace_back();
    read_row(from, table);
    ListReader{from}("changes", table.changes);
    ListReader{from}("categories", table.categories);
    ListReader{from}("changed", table.changed);
  });
  visit_lists(report, ListReader{reader});
}

}  // namespace hone
