// Records come back as they were written, from several processes at a time; bad files are one clear error;
// and a broken ledger never reaches the run.
#include "ledger/ledger.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "base/progress.h"
#include "ledger/compare.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

class LedgerTest : public FolderTest {
 protected:
  void SetUp() override { Progress::set_quiet(true); }
  fs::path path() const { return folder_ / "home" / "ledger.db"; }
  void refused(ErrorCode code, const std::string& part) {
    try {
      Ledger ledger(path());
      ledger.list(10);
      ADD_FAILURE() << "opened; expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_TRUE(std::string(error.what()).starts_with(path().string())) << error.what();
    }
  }
};

RunRecord sample() {
  RunRecord record;
  record.started = "2026-01-31 12:00:05";
  record.command = "run";
  record.command_line = "hone run 'my recipe.toml'";
  record.folder = "/tmp/ä";
  record.model = "tiny";
  record.recipe = "[tune]\nrank = 4\n";
  record.recipe_hash = "abc";
  record.machine = "a machine";
  record.hone_version = "0.1";
  record.status = "finished";
  record.seconds = 1.5;
  record.peak_rss_bytes = uint64_t{5} << 32;
  record.inputs = {{"train.jsonl", "123"}, {"base.gguf", ""}};
  record.outputs = {"runs/a/report.html"};
  record.metrics = {{"base", "answer_loss", 2.25, 2.0, 2.5}, {"q8_0", "kl", 0.001, {}, {}}};
  record.report = R"({"name":"ä"})";
  return record;
}

TEST_F(LedgerTest, RecordsComeBack) {
  RunRecord record = sample();
  {
    Ledger ledger(path());
    EXPECT_FALSE(ledger.last_id());
    ledger.save(record);
    EXPECT_EQ(record.id, 1);
  }
  Ledger ledger(path());
  const RunRecord back = ledger.find(1);
  EXPECT_EQ(back.started, record.started);
  EXPECT_EQ(back.command_line, record.command_line);
  EXPECT_EQ(back.folder, record.folder);
  EXPECT_EQ(back.recipe, record.recipe);
  EXPECT_EQ(back.status, "finished");
  EXPECT_EQ(back.seconds, 1.5);
  EXPECT_EQ(back.peak_rss_bytes, record.peak_rss_bytes);
  ASSERT_EQ(back.inputs.size(), 2u);
  EXPECT_EQ(back.inputs[0].hash, "123");
  EXPECT_EQ(back.outputs, record.outputs);
  ASSERT_EQ(back.metrics.size(), 2u);
  EXPECT_EQ(back.metrics[0].low, 2.0);
  EXPECT_FALSE(back.metrics[1].low);
  EXPECT_EQ(back.report, record.report);
  // Saved again it is the same run, with its parts replaced.
  record.metrics = {{"base", "answer_loss", 3, {}, {}}};
  record.report.clear();
  ledger.save(record);
  EXPECT_EQ(ledger.find(1).report, "");
  EXPECT_EQ(ledger.find(1).metrics.size(), 1u);
  RunRecord second = sample();
  ledger.save(second);
  EXPECT_EQ(ledger.last_id(), 2);
  ASSERT_EQ(ledger.list(10).size(), 2u);
  EXPECT_EQ(ledger.list(1)[0].id, 2);
  EXPECT_THROW(ledger.find(3), Error);
}

TEST_F(LedgerTest, AnOlderLedgerIsBroughtUp) {
  RunRecord record = sample();
  {
    Ledger ledger(path());
    ledger.save(record);
    Database database(path());
    database.run("DROP TABLE reports");
    database.run("PRAGMA user_version = 1");
  }
  Ledger ledger(path());
  EXPECT_EQ(ledger.find(1).metrics.size(), 2u);
  EXPECT_EQ(ledger.find(1).report, "");
  ledger.save(record);
  EXPECT_EQ(ledger.find(1).report, record.report);
}

TEST_F(LedgerTest, SeveralProcessesWriteAtATime) {
  constexpr int kProcesses = 4, kRuns = 12;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      try {
        for (int i = 0; i < kRuns; ++i) {
          Ledger ledger(path());  // the first ones also race for making the file
          RunRecord record = sample();
          ledger.save(record);
        }
        ::_exit(0);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ::_exit(1);
      }
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  Ledger ledger(path());
  EXPECT_EQ(ledger.list(1000).size(), size_t{kProcesses * kRuns});
  EXPECT_EQ(ledger.find(kProcesses * kRuns).metrics.size(), 2u);
}

TEST_F(LedgerTest, ARunWhoseProcessIsGoneWasInterrupted) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    LedgerEntry entry([this] { return path(); }, sample());
    entry.begin();
    ::_exit(0);  // as after kill -9: no finish
  }
  ::waitpid(pid, nullptr, 0);
  LedgerEntry running([this] { return path(); }, sample());
  running.begin();
  Ledger ledger(path());
  EXPECT_EQ(ledger.find(1).status, "interrupted");
  EXPECT_EQ(ledger.find(2).status, "running");
  running.finish("failed", "a reason");
  EXPECT_EQ(ledger.find(2).status, "failed");
  EXPECT_EQ(ledger.find(2).error, "a reason");
  EXPECT_GT(ledger.find(2).peak_rss_bytes, 0u);
}

TEST_F(LedgerTest, NothingIsWrittenBeforeTheWorkBegins) {
  LedgerEntry entry([this] { return path(); }, sample());
  entry.finish("failed", "bad input");
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(LedgerTest, FilesThatAreNoLedgerAreRefused) {
  fs::create_directories(path().parent_path());
  write_file(path(), std::string(5000, 'x'));
  refused(ErrorCode::kCorruption, "the ledger is damaged");
  fs::remove(path());
  {
    Ledger ledger(path());
    RunRecord record = sample();
    for (int i = 0; i < 50; ++i) {
      record.id = 0;
      ledger.save(record);
    }
  }
  std::string bytes = read_file(path());
  std::fill(bytes.begin() + 2000, bytes.end(), '\xff');
  write_file(path(), bytes);
  refused(ErrorCode::kCorruption, "the ledger is damaged");
  fs::remove(path());
  {
    Ledger ledger(path());
    Database database(path());
    database.run("PRAGMA user_version = 7");
  }
  refused(ErrorCode::kNotSupported, "ledger version: got 7, expected 2");
}

TEST_F(LedgerTest, ABrokenLedgerNeverReachesTheRun) {
  fs::create_directories(path().parent_path());
  write_file(path(), std::string(5000, 'x'));
  LedgerEntry entry([this] { return path(); }, sample());
  entry.begin();
  entry.finish("finished");
  EXPECT_EQ(read_file(path()), std::string(5000, 'x'));
  LedgerEntry nowhere([] { return "/proc/nowhere/ledger.db"; }, sample());
  nowhere.begin();
  nowhere.finish("finished");
  LedgerEntry homeless([]() -> fs::path { fail(ErrorCode::kNotFound, "no home"); }, sample());
  homeless.begin();
  homeless.finish("finished");
}

TEST(Compare, RecipesBySettingNotByLine) {
  const auto settings = recipe_settings(
      "# a comment\n[run]\nname = \"a # b\" # why\n\n[quantize]\nto = [\n  \"q8_0\",  # first\n  "
      "\"q4_0\",\n]\n");
  ASSERT_EQ(settings.size(), 2u);
  EXPECT_EQ(settings[0], (std::pair<std::string, std::string>{"[run] name", "\"a # b\""}));
  EXPECT_EQ(settings[1], (std::pair<std::string, std::string>{"[quantize] to", "[ \"q8_0\", \"q4_0\", ]"}));
}

TEST(Compare, TablesOfAListAreNumbered) {
  const auto settings = recipe_settings("[[eval.tasks]]\ntask = \"a\"\n[[eval.tasks]]\ntask = \"b\"\n");
  ASSERT_EQ(settings.size(), 2u);
  EXPECT_EQ(settings[0].first, "[[eval.tasks]] 1 task");
  EXPECT_EQ(settings[1].first, "[[eval.tasks]] 2 task");
}

TEST(Compare, ShowsWhatDiffersAndCommonMetrics) {
  RunRecord a = sample(), b = sample();
  a.id = 1;
  b.id = 2;
  b.recipe = "[tune]\n# more\nrank = 8\nlr = 1e-3\n";
  b.inputs[0].hash = "456";
  b.metrics = {{"q8_0", "kl", 0.003, {}, {}}, {"q4_0", "kl", 0.2, {}, {}}};
  const RunComparison c = compare_runs(a, b);
  ASSERT_EQ(c.settings.size(), 3u);
  EXPECT_EQ(c.settings[0].name, "[tune] rank");
  EXPECT_EQ(c.settings[0].a + " " + c.settings[0].b, "4 8");
  EXPECT_EQ(c.settings[1].name + c.settings[1].a, "[tune] lr");
  EXPECT_EQ(c.settings[2].b, "train.jsonl (456)");
  ASSERT_EQ(c.metrics.size(), 1u);
  EXPECT_EQ(c.metrics[0].stage, "q8_0");
  const std::string table = render_table(c);
  EXPECT_NE(table.find("+0.002"), std::string::npos) << table;
  EXPECT_NE(table.find("+200.00 %"), std::string::npos) << table;
  b.recipe = "[tune]\nrank = \"<script>alert(1)</script>\"\n";
  const std::string html = render_html(compare_runs(a, b));
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;alert"), std::string::npos);
  EXPECT_TRUE(compare_runs(a, a).settings.empty());
}

}  // namespace
}  // namespace hone
