#include "ledger/ledger.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/progress.h"

namespace hone {
namespace {

constexpr int64_t kVersion = 2;

constexpr const char* kSchema[] = {
    "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT, command TEXT, command_line TEXT, "
    "folder "
    "TEXT, model TEXT, recipe TEXT, recipe_hash TEXT, machine TEXT, hone_version TEXT, host TEXT, pid "
    "INTEGER, "
    "process_start TEXT, status TEXT, error TEXT, seconds REAL, peak_rss_bytes INTEGER)",
    "CREATE TABLE inputs (run INTEGER REFERENCES runs, path TEXT, hash TEXT)",
    "CREATE TABLE outputs (run INTEGER REFERENCES runs, path TEXT)",
    "CREATE TABLE metrics (run INTEGER REFERENCES runs, stage TEXT, name TEXT, value REAL, low REAL, high "
    "REAL)",
    "CREATE INDEX inputs_of ON inputs (run)",
    "CREATE INDEX outputs_of ON outputs (run)",
    "CREATE INDEX metrics_of ON metrics (run)",
};

// What version 2 adds to version 1.
constexpr const char* kReports[] = {
    "CREATE TABLE reports (run INTEGER REFERENCES runs, json TEXT)",
    "CREATE INDEX reports_of ON reports (run)",
};

constexpr const char* kColumns =
    "SELECT id, started, command, command_line, folder, model, recipe_hash, machine, hone_version, host, "
    "pid, "
    "process_start, status, error, seconds, peak_rss_bytes, recipe FROM runs ";

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// When a process was started, in the kernel's ticks since boot: tells it from a later one of the same number.
// Empty when there is no such process.
std::string process_start(int64_t pid) {
  try {
    const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
    size_t at = stat.rfind(')');  // the name before it may hold anything
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    return at == std::string::npos ? "" : stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
  } catch (const Error&) {
    return "";
  }
}

RunRecord read_row(const Statement& row, const std::string& host) {
  RunRecord record{.id = row.integer(0),
                   .started = row.text(1),
                   .command = row.text(2),
                   .command_line = row.text(3),
                   .folder = row.text(4),
                   .model = row.text(5),
                   .recipe = {},
                   .recipe_hash = row.text(6),
                   .machine = row.text(7),
                   .hone_version = row.text(8),
                   .status = row.text(12),
                   .error = row.text(13),
                   .seconds = row.number(14),
                   .peak_rss_bytes = static_cast<uint64_t>(row.integer(15)),
                   .inputs = {},
                   .outputs = {},
                   .metrics = {},
                   .report = {}};
  if (record.status == "running" && row.text(9) == host && process_start(row.integer(10)) != row.text(11))
    record.status = "interrupted";
  return record;
}

std::filesystem::path with_folder(const std::filesystem::path& path) {
  make_directories(path.parent_path());
  return path;
}

}  // namespace

Ledger::Ledger(const std::filesystem::path& path) : path_(path), database_(with_folder(path)) {
  prepare();
}

void Ledger::prepare() {
  const auto version = [&] {
    Statement statement(database_, "PRAGMA user_version");
    statement.step();
    return statement.integer(0);
  };
  if (const int64_t found = version(); found < kVersion) {
    if (found == 0) database_.write_ahead();
    Transaction transaction(database_);
    const int64_t now = version();  // another process may have been faster
    if (now == 0)
      for (const char* sql : kSchema) database_.run(sql);
    if (now < kVersion) {
      for (const char* sql : kReports) database_.run(sql);
      database_.run(fmt::format("PRAGMA user_version = {}", kVersion));
    }
    transaction.commit();
  }
  if (const int64_t found = version(); found != kVersion)
    fail(ErrorCode::kNotSupported,
         "{}: ledger version: got {}, expected {}; use the hone that wrote it, or move it away",
         path_.string(), found, kVersion);
}

void Ledger::insert(RunRecord& record) {
  Statement(database_,
            "INSERT INTO runs (started, command, command_line, folder, machine, hone_version, host, pid, "
            "process_start) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .add(record.started)
      .add(record.command)
      .add(record.command_line)
      .add(record.folder)
      .add(record.machine)
      .add(record.hone_version)
      .add(host_name())
      .add(int64_t{::getpid()})
      .add(process_start(::getpid()))
      .step();
  record.id = database_.last_id();
}

void Ledger::insert_parts(const RunRecord& record) {
  for (const char* table : {"inputs", "outputs", "metrics", "reports"})
    Statement(database_, fmt::format("DELETE FROM {} WHERE run = ?", table)).add(record.id).step();
  for (const RecordedFile& file : record.inputs)
    Statement(database_, "INSERT INTO inputs VALUES (?, ?, ?)")
        .add(record.id)
        .add(file.path)
        .add(file.hash)
        .step();
  for (const std::string& path : record.outputs)
    Statement(database_, "INSERT INTO outputs VALUES (?, ?)").add(record.id).add(path).step();
  for (const RecordedMetric& metric : record.metrics)
    Statement(database_, "INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)")
        .add(record.id)
        .add(metric.stage)
        .add(metric.name)
        .add(metric.value)
        .add(metric.low)
        .add(metric.high)
        .step();
  if (!record.report.empty())
    Statement(database_, "INSERT INTO reports VALUES (?, ?)").add(record.id).add(record.report).step();
}

void Ledger::save(RunRecord& record) {
  Transaction transaction(database_);
  const int64_t earlier = record.id;
  try {
    if (record.id == 0) insert(record);
    Statement(database_,
              "UPDATE runs SET model = ?, recipe = ?, recipe_hash = ?, status = ?, error = ?, seconds = ?, "
              "peak_rss_bytes = ? WHERE id = ?")
        .add(record.model)
        .add(record.recipe)
        .add(record.recipe_hash)
        .add(record.status)
        .add(record.error)
        .add(record.seconds)
        .add(static_cast<int64_t>(record.peak_rss_bytes))
        .add(record.id)
        .step();
    insert_parts(record);
    transaction.commit();
  } catch (...) {
    record.id = earlier;
    throw;
  }
}

std::vector<RunRecord> Ledger::list(size_t limit) {
  std::vector<RunRecord> all;
  const std::string host = host_name();
  Statement rows(database_, std::string(kColumns) + "ORDER BY id DESC LIMIT ?");
  rows.add(static_cast<int64_t>(limit));
  while (rows.step()) all.push_back(read_row(rows, host));
  return all;
}

RunRecord Ledger::find(int64_t id) {
  Statement row(database_, std::string(kColumns) + "WHERE id = ?");
  if (!row.add(id).step())
    fail(ErrorCode::kNotFound, "{}: run {}: not there; hone runs list shows what is", path_.string(), id);
  RunRecord record = read_row(row, host_name());
  record.recipe = row.text(16);
  Statement inputs(database_, "SELECT path, hash FROM inputs WHERE run = ? ORDER BY rowid");
  for (inputs.add(id); inputs.step();) record.inputs.push_back({inputs.text(0), inputs.text(1)});
  Statement outputs(database_, "SELECT path FROM outputs WHERE run = ? ORDER BY rowid");
  for (outputs.add(id); outputs.step();) record.outputs.push_back(outputs.text(0));
  Statement metrics(database_,
                    "SELECT stage, name, value, low, high FROM metrics WHERE run = ? ORDER BY rowid");
  for (metrics.add(id); metrics.step();)
    record.metrics.push_back({.stage = metrics.text(0),
                              .name = metrics.text(1),
                              .value = metrics.number(2),
                              .low = metrics.optional_number(3),
                              .high = metrics.optional_number(4)});
  Statement report(database_, "SELECT json FROM reports WHERE run = ?");
  if (report.add(id).step()) record.report = report.text(0);
  return record;
}

std::optional<int64_t> Ledger::last_id() {
  Statement row(database_, "SELECT max(id) FROM runs");
  row.step();
  const int64_t id = row.integer(0);
  return id > 0 ? std::optional(id) : std::nullopt;
}

LedgerEntry::LedgerEntry(std::function<std::filesystem::path()> where, RunRecord record)
    : where_(std::move(where)), record_(std::move(record)) {
  record_.started = utc_now();
}

void LedgerEntry::begin() noexcept {
  begun_ = true;
  record_.status = "running";
  save();
}

void LedgerEntry::finish(const std::string& status, const std::string& error) noexcept {
  if (!begun_) return;
  record_.status = status;
  record_.error = error;
  record_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  record_.peak_rss_bytes = peak_rss_bytes();
  save();
}

void LedgerEntry::save() noexcept {
  if (broken_) return;
  try {
    if (!record_.recipe.empty()) record_.recipe_hash = hash_text(record_.recipe);
    if (!ledger_) ledger_.emplace(where_());
    ledger_->save(record_);
  } catch (const std::exception& problem) {
    broken_ = true;
    say(fmt::format("warning: {}; this run is not recorded", problem.what()));
  }
}

}  // namespace hone
