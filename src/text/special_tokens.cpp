#include "text/special_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace hone {

SpecialTokens::SpecialTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.text < b.text; });
  const auto last = std::unique(entries_.begin(), entries_.end(),
                                [](const Entry& a, const Entry& b) { return a.text == b.text; });
  entries_.erase(last, entries_.end());
  uint32_t i = 0;
  for (size_t b = 0; b < 256; ++b) {
    by_first_[b] = i;
    while (i < entries_.size() && static_cast<unsigned char>(entries_[i].text.front()) == b) ++i;
  }
  by_first_[256] = i;
}

std::vector<size_t> SpecialTokens::present(std::string_view text, bool parse_special) const {
  std::vector<bool> seen(entries_.size());
  std::vector<size_t> found;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    size_t low = by_first_[first];
    size_t high = by_first_[first + 1U];
    // [low, high) share their first `depth` bytes with the text; the one of exactly that length sorts first.
    for (size_t depth = 1; low < high; ++depth) {
      if (high - low == 1) {  // the rest at once
        if (!seen[low] && text.substr(at).starts_with(entries_[low].text)) {
          if (parse_special || entries_[low].always) found.push_back(low);
          seen[low] = true;
        }
        break;
      }
      if (entries_[low].text.size() == depth) {
        if (!seen[low] && (parse_special || entries_[low].always)) found.push_back(low);
        seen[low] = true;
        ++low;
      }
      if (at + depth >= text.size()) break;
      const char c = text[at + depth];
      const auto less = [depth](const Entry& e, char x) {
        return static_cast<unsigned char>(e.text[depth]) < static_cast<unsigned char>(x);
      };
      const auto greater = [depth](char x, const Entry& e) {
        return static_cast<unsigned char>(x) < static_cast<unsigned char>(e.text[depth]);
      };
      const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(low);
      const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(high);
      const auto first_equal = std::lower_bound(begin, end, c, less);
      high = static_cast<size_t>(std::upper_bound(first_equal, end, c, greater) - entries_.begin());
      low = static_cast<size_t>(first_equal - entries_.begin());
    }
  }
  std::sort(found.begin(), found.end(), [&](size_t a, size_t b) {
    const Entry& x = entries_[a];
    const Entry& y = entries_[b];
    return x.text.size() != y.text.size() ? x.text.size() > y.text.size() : x.id < y.id;
  });
  return found;
}

std::vector<Fragment> SpecialTokens::split(std::string_view text, bool parse_special) const {
  std::vector<Fragment> fragments;
  if (text.empty()) return fragments;
  fragments.push_back({text, -1});
  std::vector<Fragment> next;
  for (const size_t i : present(text, parse_special)) {
    const Entry& entry = entries_[i];
    next.clear();
    for (const Fragment& fragment : fragments) {
      std::string_view rest = fragment.text;
      while (fragment.id < 0) {
        const size_t at = rest.find(entry.text);
        if (at == std::string_view::npos) break;
        const size_t end = at + entry.text.size();
        const size_t before = entry.lstrip ? unicode::trailing_space(rest.substr(0, at)) : 0;
        const size_t after = entry.rstrip ? unicode::leading_space(rest.substr(end)) : 0;
        if (at > before) next.push_back({rest.substr(0, at - before), -1});
        next.push_back({rest.substr(at - before, before + entry.text.size() + after), entry.id});
        rest.remove_prefix(end + after);
      }
      if (fragment.id >= 0) {
        next.push_back(fragment);
      } else if (!rest.empty()) {
        next.push_back({rest, -1});
      }
    }
    fragments.swap(next);
  }
  return fragments;
}

}  // namespace hone
