#include "ledger/database.h"

#include <sqlite3.h>

#include "base/error.h"

namespace hone {
namespace {

constexpr int kBusyMilliseconds = 5000;

}  // namespace

Database::Database(const std::filesystem::path& path) : path_(path) {
  const int code =
      ::sqlite3_open_v2(path_.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  try {
    if (code != SQLITE_OK) fail_with(code);
    ::sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  } catch (...) {
    ::sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() {
  ::sqlite3_close(handle_);
}

void Database::fail_with(int code) const {
  const char* message = handle_ != nullptr ? ::sqlite3_errmsg(handle_) : ::sqlite3_errstr(code);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    fail(ErrorCode::kCorruption, "{}: the ledger is damaged: {}; move it away, and a new one begins",
         path_.string(), message);
  if (code == SQLITE_FULL)
    fail(ErrorCode::kResourceExhausted, "{}: cannot write the ledger: {}", path_.string(), message);
  if (code == SQLITE_BUSY)
    fail(ErrorCode::kIo, "{}: the ledger was held by another process for {} seconds; try again",
         path_.string(), kBusyMilliseconds / 1000);
  fail(ErrorCode::kIo, "{}: cannot use the ledger: {}", path_.string(), message);
}

void Database::run(std::string_view sql) {
  Statement(*this, sql).step();
}

void Database::write_ahead() {
  constexpr int kStepMilliseconds = 10;
  int code = SQLITE_OK;
  for (int waited = 0; waited < kBusyMilliseconds; waited += kStepMilliseconds) {
    code = ::sqlite3_exec(handle_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code != SQLITE_BUSY) break;
    ::sqlite3_sleep(kStepMilliseconds);
  }
  if (code != SQLITE_OK) fail_with(code);
}

int64_t Database::last_id() const noexcept {
  return ::sqlite3_last_insert_rowid(handle_);
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int code =
      ::sqlite3_prepare_v2(database.handle_, sql.data(), static_cast<int>(sql.size()), &handle_, nullptr);
  if (code != SQLITE_OK) database_.fail_with(code);
}

Statement::~Statement() {
  ::sqlite3_finalize(handle_);
}

Statement& Statement::add(std::string_view text) {
  ::sqlite3_bind_text64(handle_, ++n_bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}
Statement& Statement::add(int64_t value) {
  ::sqlite3_bind_int64(handle_, ++n_bound_, value);
  return *this;
}
Statement& Statement::add(double value) {
  ::sqlite3_bind_double(handle_, ++n_bound_, value);  // NaN becomes NULL
  return *this;
}
Statement& Statement::add(std::optional<double> value) {
  if (value) return add(*value);
  ::sqlite3_bind_null(handle_, ++n_bound_);
  return *this;
}

bool Statement::step() {
  const int code = ::sqlite3_step(handle_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail_with(code);
  return code == SQLITE_ROW;
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(::sqlite3_column_text(handle_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(::sqlite3_column_bytes(handle_, column))};
}
int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(handle_, column);
}
double Statement::number(int column) const {
  return ::sqlite3_column_double(handle_, column);
}
std::optional<double> Statement::optional_number(int column) const {
  if (::sqlite3_column_type(handle_, column) == SQLITE_NULL) return std::nullopt;
  return number(column);
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (...) {  // no memory for the statement, too: nothing may leave a destructor
    return;  // SQLite has rolled back by itself, or does when it closes; the error that led here is on its
             // way
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace hone
