// The little of SQLite that the ledger needs, as values: a connection and prepared statements. Every failure
// is an Error with the file's name: kCorruption (damaged, or no database), kIo, kResourceExhausted (disk
// full).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace hone {

class Database;

class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters from 1 in the order of the calls; nullopt binds NULL.
  Statement& add(std::string_view text);
  Statement& add(int64_t value);
  Statement& add(double value);
  Statement& add(std::optional<double> value);
  // True with a row, false at the end.
  bool step();
  // Columns from 0; NULL reads as "", 0 and nullopt.
  std::string text(int column) const;
  int64_t integer(int column) const;
  double number(int column) const;
  std::optional<double> optional_number(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
  int n_bound_ = 0;
};

class Database {
 public:
  // Made when it does not exist. Waits up to 5 seconds for other processes.
  explicit Database(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(std::string_view sql);  // a statement without result
  // Readers and a writer at a time. The switch itself needs the file alone, and SQLite does not wait for
  // that.
  void write_ahead();
  int64_t last_id() const noexcept;
  [[noreturn]] void fail_with(int code) const;

 private:
  friend class Statement;
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

// All or nothing: rolled back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace hone
