// The held-out texts' runs are indexed by a hash that rolls over words; the training texts are read past once
// for each length of a run, and every hit is compared word by word. So memory goes with the held-out file and
// time with the training file.
#include "data/contamination.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "data/check.h"

namespace hone {
namespace {

using Words = std::vector<std::string_view>;

// A document's parts, normalized, as words.
struct Text {
  std::vector<std::string> parts;
  std::vector<Words> words;
  std::vector<std::vector<uint64_t>> hashes;

  explicit Text(const Document& document);
  std::string whole() const {
    std::string out;
    for (const std::string& part : parts) out += part + "\n";
    return out;
  }
};

// FNV-1a, and splitmix64's last steps so that all bits count.
uint64_t hash_word(std::string_view word) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : word) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

Text::Text(const Document& document) {
  for (const std::string& part : document.parts) parts.push_back(normalized(part));
  for (const std::string& part : parts) {
    Words& own = words.emplace_back();
    for (size_t begin = 0; begin < part.size();) {
      const size_t end = std::min(part.find(' ', begin), part.size());
      own.push_back(std::string_view(part).substr(begin, end - begin));
      begin = end + 1;
    }
    std::vector<uint64_t>& hash = hashes.emplace_back();
    for (const std::string_view word : own) hash.push_back(hash_word(word));
  }
}

// Calls visit(start, hash) for every run of n words.
template <typename Visit>
void roll(const std::vector<uint64_t>& words, size_t n, Visit visit) {
  constexpr uint64_t kBase = 0x9e3779b97f4a7c15u;  // odd; sums are modulo 2^64
  uint64_t out_factor = 1, h = 0;
  for (size_t i = 0; i + 1 < n; ++i) out_factor *= kBase;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i >= n) h -= words[i - n] * out_factor;
    h = h * kBase + words[i];
    if (i + 1 >= n) visit(i + 1 - n, h);
  }
}

// A run in a held-out document.
struct Run {
  size_t document, part, start;
  size_t train_line = 0;  // 0: not found
};

// The runs of one length.
class Index {
 public:
  explicit Index(size_t n) : n_(n), seen_(kFilter) {}

  void add(uint64_t hash, Run run) {
    seen_[hash >> kShift] = true;
    found_[hash].runs.push_back(run);
  }
  // Marks the runs that stand in this training text.
  void mark(const std::vector<Text>& held_out, const Text& text, size_t line) {
    for (size_t p = 0; p < text.words.size(); ++p)
      roll(text.hashes[p], n_, [&](size_t start, uint64_t hash) {
        if (!seen_[hash >> kShift]) return;
        const auto found = found_.find(hash);
        if (found == found_.end() || found->second.done) return;
        const auto words = text.words[p].begin() + static_cast<std::ptrdiff_t>(start);
        bool done = true;
        for (Run& run : found->second.runs) {
          const Words& own = held_out[run.document].words[run.part];
          if (run.train_line == 0 && std::equal(words, words + static_cast<std::ptrdiff_t>(n_),
                                                own.begin() + static_cast<std::ptrdiff_t>(run.start)))
            run.train_line = line;
          done = done && run.train_line != 0;
        }
        found->second.done = done;
      });
  }
  template <typename Visit>
  void each(Visit visit) const {
    for (const auto& [hash, same] : found_)
      for (const Run& run : same.runs) visit(run, n_);
  }

 private:
  static constexpr size_t kShift = 40;  // a bit for every 2^40 hashes: most misses end here
  static constexpr size_t kFilter = size_t{1} << (64 - kShift);

  struct Same {  // runs with one hash
    std::vector<Run> runs;
    bool done = false;  // all of them found
  };
  size_t n_;
  std::vector<bool> seen_;
  std::unordered_map<uint64_t, Same> found_;
};

// What was found in one held-out document.
struct Marks {
  std::vector<std::vector<size_t>> lines;  // per part and word: the training line, 0: not shared
  size_t n_runs = 0, n_shared = 0, duplicate_of = 0;
};

class Comparison {
 public:
  Comparison(const std::vector<Document>& held_out, const ContaminationOptions& options)
      : held_out_(held_out), options_(options), marks_(held_out.size()) {
    texts_.reserve(held_out.size());  // words point into the texts: none may move
    for (size_t d = 0; d < held_out.size(); ++d) {
      const Text& text = texts_.emplace_back(held_out[d]);
      const auto has_words = [](const Words& words) { return !words.empty(); };
      if (std::any_of(text.words.begin(), text.words.end(), has_words)) wholes_[text.whole()].push_back(d);
      for (size_t p = 0; p < text.words.size(); ++p) add_runs(d, p);
    }
  }

  void read(const std::vector<Document>& train) {
    Progress progress("comparing", train.size(), "documents");
    for (size_t i = 0; i < train.size(); ++i) {
      throw_if_interrupted("comparing texts");
      const Text text(train[i]);
      for (auto& [n, index] : indices_) index.mark(texts_, text, train[i].line);
      if (const auto same = wholes_.find(text.whole()); same != wholes_.end())
        for (const size_t d : same->second)
          if (marks_[d].duplicate_of == 0) marks_[d].duplicate_of = train[i].line;
      progress.update(i + 1);
    }
    progress.finish();
  }

  Contamination result() {
    for (const auto& [n, index] : indices_)
      index.each([&](const Run& run, size_t length) { mark_words(run, length); });
    Contamination out;
    out.n_documents = held_out_.size();
    for (size_t d = 0; d < held_out_.size(); ++d) {
      const Marks& marks = marks_[d];
      out.n_compared += marks.n_runs > 0 ? 1 : 0;
      out.n_shared += marks.n_shared > 0 ? 1 : 0;
      out.n_duplicates += marks.duplicate_of > 0 ? 1 : 0;
      out.n_runs += marks.n_runs;
      out.n_shared_runs += marks.n_shared;
      if (marks.n_shared == 0 && marks.duplicate_of == 0) continue;
      ++out.n_known;
      out.worst.push_back(match(d));
    }
    std::stable_sort(
        out.worst.begin(), out.worst.end(),
        [](const ContaminationMatch& a, const ContaminationMatch& b) { return a.share > b.share; });
    if (out.worst.size() > options_.worst) out.worst.resize(options_.worst);
    return out;
  }

 private:
  void add_runs(size_t d, size_t p) {
    const std::vector<uint64_t>& hashes = texts_[d].hashes[p];
    const size_t n = std::min(options_.n, hashes.size());
    marks_[d].lines.emplace_back(hashes.size());
    if (n == 0 || n < std::min(options_.shortest, options_.n)) return;
    Index& index = indices_.try_emplace(n, n).first->second;
    roll(hashes, n, [&](size_t start, uint64_t hash) {
      index.add(hash, {.document = d, .part = p, .start = start});
      ++marks_[d].n_runs;
    });
  }

  void mark_words(const Run& run, size_t n) {
    if (run.train_line == 0) return;
    Marks& marks = marks_[run.document];
    ++marks.n_shared;
    for (size_t w = run.start; w < run.start + n; ++w) {
      size_t& line = marks.lines[run.part][w];
      line = line == 0 ? run.train_line : std::min(line, run.train_line);
    }
  }

  ContaminationMatch match(size_t d) const {
    const Marks& marks = marks_[d];
    size_t words = 0, shared = 0, longest = 0;
    ContaminationMatch out;
    out.line = held_out_[d].line;
    out.train_line = marks.duplicate_of;
    out.duplicate = marks.duplicate_of > 0;
    for (size_t p = 0; p < marks.lines.size(); ++p) {
      const std::vector<size_t>& lines = marks.lines[p];
      words += lines.size();
      for (size_t w = 0; w < lines.size();) {
        size_t end = w;
        while (end < lines.size() && lines[end] != 0) ++end;
        shared += end - w;
        if (end - w > longest) {
          longest = end - w;
          out.text = texts_[d].words[p][w];
          for (size_t i = w + 1; i < end; ++i) out.text += " " + std::string(texts_[d].words[p][i]);
          if (!out.duplicate) out.train_line = lines[w];
        }
        w = std::max(end, w + 1);
      }
    }
    if (out.duplicate && out.text.empty())  // too short for a run
      for (const std::string& part : texts_[d].parts) out.text += (out.text.empty() ? "" : " ") + part;
    out.share = out.duplicate ? 1 : static_cast<double>(shared) / static_cast<double>(words);
    return out;
  }

  const std::vector<Document>& held_out_;
  ContaminationOptions options_;
  std::vector<Text> texts_;
  std::vector<Marks> marks_;
  std::map<size_t, Index> indices_;  // by the length of their runs
  std::unordered_map<std::string, std::vector<size_t>> wholes_;
};

}  // namespace

Contamination find_contamination(const std::vector<Document>& train, const std::vector<Document>& held_out,
                                 const ContaminationOptions& options) {
  HONE_CHECK(options.n > 0 && options.shortest > 0);
  Comparison comparison(held_out, options);
  comparison.read(train);
  return comparison.result();
}

}  // namespace hone
