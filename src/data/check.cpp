#include "data/check.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"

namespace hone {
namespace {

constexpr size_t kLinesShown = 10;

std::string join_contents(const ChatRecord& chat, std::string_view role) {
  std::string out;
  for (const auto& message : chat.messages)
    if (role.empty() || message.at("role") == role)
      out += message.at("content").get_ref<const std::string&>() + "\n";
  return out;
}

// Every n-gram of normalized text (words stand between single spaces), as hashes.
std::vector<std::string> ngrams(std::string_view text, size_t n) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != ' ' && (i == 0 || text[i - 1] == ' ')) starts.push_back(i);
  if (starts.empty()) return {};
  if (starts.size() <= n) return {hash_text(text)};
  std::vector<std::string> out;
  for (size_t i = 0; i + n <= starts.size(); ++i) {
    const size_t end = i + n < starts.size() ? starts[i + n] - 1 : text.size();
    out.push_back(hash_text(text.substr(starts[i], end - starts[i])));
  }
  return out;
}

}  // namespace

LengthStats length_stats(std::vector<size_t> lengths) {
  LengthStats stats;
  stats.n = lengths.size();
  if (lengths.empty()) return stats;
  std::sort(lengths.begin(), lengths.end());
  const auto percentile = [&](double p) {
    const auto rank = static_cast<size_t>(std::ceil(p * static_cast<double>(lengths.size())));
    return lengths[std::clamp<size_t>(rank, 1, lengths.size()) - 1];
  };
  stats.min = lengths.front();
  stats.p50 = percentile(0.5);
  stats.p90 = percentile(0.9);
  stats.p99 = percentile(0.99);
  stats.max = lengths.back();
  stats.mean = static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), size_t{0})) /
               static_cast<double>(lengths.size());
  return stats;
}

std::string normalized(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || byte >= 0x80)
      out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

DataCheck check_chats(const std::vector<ChatRecord>& chats, const std::vector<Sample>& samples) {
  DataCheck check;
  check.n_chats = chats.size();
  std::unordered_map<std::string, size_t> exact, near;  // hash -> line of the first
  for (const ChatRecord& chat : chats) {
    check.n_messages += chat.messages.size();
    const auto [same, new_exact] = exact.emplace(hash_text(chat.messages.dump()), chat.line);
    const auto [alike, new_near] = near.emplace(hash_text(normalized(join_contents(chat, ""))), chat.line);
    if (new_exact && new_near) continue;
    (new_exact ? check.near_duplicates : check.exact_duplicates) += 1;
    if (check.duplicate_lines.size() < kLinesShown)
      check.duplicate_lines.emplace_back(chat.line, new_exact ? alike->second : same->second);
  }
  std::vector<size_t> tokens, supervised;
  for (const Sample& sample : samples) {
    tokens.push_back(sample.tokens.size());
    supervised.push_back(sample.n_supervised());
    check.n_truncated += sample.truncated ? 1 : 0;
  }
  check.tokens = length_stats(std::move(tokens));
  check.supervised = length_stats(std::move(supervised));
  return check;
}

OverlapCheck check_overlap(const std::vector<ChatRecord>& train, const std::vector<ChatRecord>& held_out,
                           size_t n) {
  HONE_CHECK(n > 0);
  std::unordered_map<std::string, size_t> grams, whole;  // hash -> first line
  for (const ChatRecord& chat : train) {
    const std::string question = normalized(join_contents(chat, "user"));
    whole.emplace(question, chat.line);
    for (std::string& gram : ngrams(question, n)) grams.emplace(std::move(gram), chat.line);
  }
  OverlapCheck check;
  for (const ChatRecord& chat : held_out) {
    const std::string question = normalized(join_contents(chat, "user"));
    const std::vector<std::string> own = ngrams(question, n);
    if (own.empty()) continue;
    ++check.n_questions;
    size_t shared = 0, line = 0;
    for (const std::string& gram : own) {
      const auto it = grams.find(gram);
      if (it == grams.end()) continue;
      if (++shared == 1) line = it->second;
    }
    if (2 * shared < own.size()) continue;
    ++check.n_overlapping;
    if (const auto it = whole.find(question); it != whole.end()) {
      ++check.n_identical;
      line = it->second;
    }
    if (check.lines.size() < kLinesShown) check.lines.emplace_back(chat.line, line);
  }
  return check;
}

}  // namespace hone
