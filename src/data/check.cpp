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

std::string join_contents(const ChatRecord& chat) {
  std::string out;
  for (const auto& message : chat.messages) {
    out += message.at("content").get_ref<const std::string&>() + "\n";
    if (const auto calls = message.find("tool_calls"); calls != message.end()) out += calls->dump() + "\n";
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
  constexpr std::string_view kSpace = " \t\n\r\v\f";
  std::string out;
  bool between = false;
  for (const char c : text) {
    if (kSpace.find(c) != std::string_view::npos) {
      between = true;
      continue;
    }
    const bool upper = c >= 'A' && c <= 'Z', letter = upper || (c >= 'a' && c <= 'z');
    if (c > ' ' && c < 0x7f && !letter && !(c >= '0' && c <= '9')) continue;
    if (between && !out.empty()) out += ' ';
    between = false;
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

DataCheck check_chats(const std::vector<ChatRecord>& chats, const std::vector<Sample>& samples) {
  DataCheck check;
  check.n_chats = chats.size();
  std::unordered_map<std::string, size_t> exact, near;  // hash -> line of the first
  for (const ChatRecord& chat : chats) {
    check.n_messages += chat.messages.size();
    const auto [same, new_exact] = exact.emplace(hash_text(chat.messages.dump()), chat.line);
    const auto [alike, new_near] = near.emplace(hash_text(normalized(join_contents(chat))), chat.line);
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

}  // namespace hone
