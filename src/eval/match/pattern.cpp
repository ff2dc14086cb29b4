#include "eval/match/pattern.h"

#include <re2/re2.h>

#include <algorithm>

#include "base/error.h"
#include "eval/plain_text.h"
#include "runtime/utf8.h"

namespace hone {
namespace {

RE2::Options options_for(unsigned flags) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive((flags & Pattern::kIgnoreCase) == 0);
  return options;
}

}  // namespace

struct Pattern::Impl {
  Impl(const std::string& text, unsigned flags) : re(text, options_for(flags)) {}
  RE2 re;
};

Pattern::Pattern(const std::string& text, const std::string& where, unsigned flags)
    : impl_(std::make_unique<Impl>(text, flags)) {
  if (!impl_->re.ok())
    fail(ErrorCode::kInvalidArgument, "{}: pattern \"{}\": {}; see RE2's syntax, which has no look-around",
         where, text, impl_->re.error());
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

std::vector<std::string> Pattern::find_all(std::string_view text) const {
  const re2::StringPiece whole(text.data(), text.size());
  const int n_groups = impl_->re.NumberOfCapturingGroups();
  std::vector<re2::StringPiece> groups(static_cast<size_t>(n_groups) + 1);
  std::vector<std::string> out;
  for (size_t at = 0; at <= text.size();) {
    if (!impl_->re.Match(whole, at, text.size(), RE2::UNANCHORED, groups.data(), n_groups + 1)) break;
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const auto filled = std::find_if(groups.begin() + (n_groups > 0 ? 1 : 0), groups.end(),
                                     [](const re2::StringPiece& group) { return !group.empty(); });
    out.push_back(filled == groups.end() ? std::string() : std::string(filled->data(), filled->size()));
    at = begin + groups[0].size();
    if (groups[0].empty()) at += std::max<size_t>(1, utf8_sequence(text, at));
  }
  return out;
}

bool Pattern::found(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->re);
}

std::string Pattern::replaced_in(const std::string& text, const std::string& with) const {
  std::string out = text;
  RE2::GlobalReplace(&out, impl_->re, with);
  return out;
}

std::string extract(const Pattern& pattern, const std::string& text, bool last) {
  const std::vector<std::string> found = pattern.find_all(text);
  if (found.empty()) return std::string(kNoMatch);
  const std::string& one = last ? found.back() : found.front();
  return one.empty() ? std::string(kNoMatch) : std::string(strip(one));
}

}  // namespace hone
