// The record of what was run: $HONE_HOME/ledger.db. Several processes may write and read at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/database.h"

namespace hone {

struct RecordedFile {
  std::string path, hash;  // hash: of the content; empty when not taken
};
struct RecordedMetric {
  std::string stage, name;  // "q8_0", "answer_loss"
  double value = 0;
  std::optional<double> low, high;  // 95 % interval
};

struct RunRecord {
  int64_t id = 0;
  std::string started;               // UTC, "2026-01-31 12:00:05"
  std::string command;               // "run", "tune", …
  std::string command_line, folder;  // as typed, and where
  std::string model, recipe,
      recipe_hash;  // recipe: its text, or the settings in that form; the hash is LedgerEntry's
  std::string machine, hone_version;
  std::string status;  // "running", "finished", "failed", "interrupted"
  std::string error;
  double seconds = 0;
  uint64_t peak_rss_bytes = 0;
  std::vector<RecordedFile> inputs;
  std::vector<std::string> outputs;
  std::vector<RecordedMetric> metrics;
  std::string report;  // JSON of what the run measured (report/report.h); empty when the command makes none
};

class Ledger {
 public:
  // Makes the file and its folder when they are not there. Throws what Database throws, and kNotSupported for
  // a ledger of a later version.
  explicit Ledger(const std::filesystem::path& path);

  // Writes the record as a whole; gives a new one (id 0) its number. All of it or nothing.
  void save(RunRecord& record);
  // Newest first, without recipe, files, metrics and report. A running one whose process is gone counts as
  // interrupted.
  std::vector<RunRecord> list(size_t limit);
  // Everything about one. Throws kNotFound.
  RunRecord find(int64_t id);
  std::optional<int64_t> last_id();

 private:
  void prepare();
  void insert(RunRecord& record);
  void insert_parts(const RunRecord& record);

  std::filesystem::path path_;
  Database database_;
};

// One run in the making. What goes wrong with the ledger is said once, as a warning; it never disturbs the
// run.
class LedgerEntry {
 public:
  // where: gives the ledger's path, and may throw. record: what is known before the work (command, folder,
  // version).
  LedgerEntry(std::function<std::filesystem::path()> where, RunRecord record);

  // To be filled in by the command.
  RunRecord& record() noexcept { return record_; }
  // The inputs are good and work begins: writes the record as running. May be called again as more is known.
  void begin() noexcept;
  // Does nothing before begin().
  void finish(const std::string& status, const std::string& error = {}) noexcept;

 private:
  void save() noexcept;

  std::function<std::filesystem::path()> where_;
  RunRecord record_;
  std::optional<Ledger> ledger_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool begun_ = false, broken_ = false;
};

}  // namespace hone
