#include "data/contamination.h"

#include <gtest/gtest.h>

#include <iterator>
#include <set>
#include <sstream>

#include "base/rng.h"
#include "data/check.h"
#include "data/test_support.h"

namespace hone {
namespace {

TEST(Contamination, RunsAndDuplicates) {
  const std::vector<Document> train = {{{"one two three four five six"}, 1}, {{"Short one!", "yes"}, 3}};
  const std::vector<Document> held_out = {{{"zero ONE two, three four seven"}, 1},  // a run of four
                                          {{"one two three", "four five six"}, 2},  // runs do not cross parts
                                          {{"short one", "Yes."}, 5},  // too short for runs, but the same
                                          {{"four five six"}, 7},      // a whole part of three
                                          {{"nothing of the kind is there"}, 9}};
  const Contamination found = find_contamination(train, held_out, {.n = 4, .shortest = 3, .worst = 10});
  EXPECT_EQ(found.n_documents, 5u);
  EXPECT_EQ(found.n_compared, 4u);
  EXPECT_EQ(found.n_shared, 3u);
  EXPECT_EQ(found.n_duplicates, 1u);
  EXPECT_EQ(found.n_known, 4u);
  EXPECT_EQ(found.n_runs, 3u + 2u + 1u + 3u);
  EXPECT_EQ(found.n_shared_runs, 1u + 2u + 1u);
  ASSERT_EQ(found.worst.size(), 4u);
  const auto expect = [&](size_t i, size_t line, size_t train_line, double share, const char* text) {
    EXPECT_EQ(found.worst[i].line, line);
    EXPECT_EQ(found.worst[i].train_line, train_line);
    EXPECT_DOUBLE_EQ(found.worst[i].share, share);
    EXPECT_EQ(found.worst[i].text, text);
  };
  expect(0, 2, 1, 1, "one two three");
  expect(1, 5, 3, 1, "short one yes");
  expect(2, 7, 1, 1, "four five six");
  expect(3, 1, 1, 4.0 / 6, "one two three four");
  EXPECT_TRUE(found.worst[1].duplicate);
  EXPECT_FALSE(found.worst[0].duplicate);
  // Without short parts only the run of four is left.
  EXPECT_EQ(find_contamination(train, held_out, {.n = 4, .shortest = 4, .worst = 1}).n_shared, 1u);
  EXPECT_EQ(find_contamination(train, held_out, {.n = 4, .shortest = 4, .worst = 1}).worst.size(), 1u);
}

TEST(Documents, ChatsWithoutWhatTheyAreToldTogether) {
  const TestFolder folder;
  const std::string chat =
      R"({"messages": [{"role": "system", "content": "always the same"}, {"role": "user", "content": "q"}, )"
      R"({"role": "assistant", "content": "a"}]})";
  for (const char* name : {"a.jsonl", "a.ndjson", "a.data"}) {
    const std::vector<Document> documents = read_documents(folder.file(name, chat + "\n"));
    ASSERT_EQ(documents.size(), 1u) << name;
    EXPECT_EQ(documents[0].parts, (std::vector<std::string>{"q", "a"})) << name;
  }
  EXPECT_EQ(read_documents(folder.file("a.txt", "{brackets\nand lines\n")).size(), 2u);
}

// Against sets of joined words.
TEST(Contamination, EqualsBruteForce) {
  Rng rng(3);
  const auto random_documents = [&](size_t n) {
    std::vector<Document> out;
    for (size_t i = 0; i < n; ++i) {
      std::string text;
      for (size_t w = 1 + rng.below(30); w > 0; --w)
        text += std::string(1, static_cast<char>('a' + rng.below(3))) + " ";
      out.push_back({{text}, i + 1});
    }
    return out;
  };
  const auto train = random_documents(60), held_out = random_documents(200);
  constexpr size_t kN = 6, kShortest = 4;
  const auto runs_of = [](const Document& document, size_t n) {
    std::istringstream in(normalized(document.parts[0]));
    std::vector<std::string> words{std::istream_iterator<std::string>(in), {}}, runs;
    for (size_t i = 0; i + n <= words.size(); ++i) {
      std::string run;
      for (size_t w = i; w < i + n; ++w) run += words[w] + " ";
      runs.push_back(run);
    }
    return runs;
  };
  size_t shared = 0, shared_runs = 0, runs = 0;
  for (const Document& document : held_out) {
    size_t n = std::min(kN, runs_of(document, 1).size());
    if (n < kShortest) continue;
    std::set<std::string> of_train;
    for (const Document& t : train)
      for (const std::string& run : runs_of(t, n)) of_train.insert(run);
    size_t own = 0;
    for (const std::string& run : runs_of(document, n)) {
      ++runs;
      own += of_train.count(run);
    }
    shared += own > 0 ? 1 : 0;
    shared_runs += own;
  }
  const Contamination found =
      find_contamination(train, held_out, {.n = kN, .shortest = kShortest, .worst = 3});
  EXPECT_EQ(found.n_shared, shared);
  EXPECT_EQ(found.n_runs, runs);
  EXPECT_EQ(found.n_shared_runs, shared_runs);
  EXPECT_GT(shared_runs, 100u);
  EXPECT_LT(shared_runs, runs);
}

}  // namespace
}  // namespace hone
