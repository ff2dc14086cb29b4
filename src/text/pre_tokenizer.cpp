// Matchers written by hand rather than as regexes: they run at memory speed, need no recursion or
// backtracking, and mean exactly the peers' \s, \p{L} and \p{N} (PCRE2's \s differs at U+180E).
#include "text/pre_tokenizer.h"

namespace hone {
namespace {

using unicode::kLetter;
using unicode::kLower;
using unicode::kMark;
using unicode::kNumber;
using unicode::kPunct;
using unicode::kSpace;
using unicode::kUpper;

// The word a pass works in; nothing outside it is seen.
struct View {
  const uint32_t* code;
  const uint8_t* classes;
  size_t size;

  bool is(size_t i, int mask) const noexcept { return i < size && (classes[i] & mask) != 0; }
  // Neither space nor letter nor number.
  bool is_rest(size_t i) const noexcept {
    return i < size && (classes[i] & (kSpace | kLetter | kNumber)) == 0;
  }
  // In a word of mixed case: what may stand before its lower-case part, and in it (letters without case and
  // marks both).
  bool is_head(size_t i) const noexcept { return is(i, kLetter | kMark) && !is(i, kLower); }
  bool is_tail(size_t i) const noexcept { return is(i, kLetter | kMark) && !is(i, kUpper); }
  bool is_newline(size_t i) const noexcept { return i < size && (code[i] == '\r' || code[i] == '\n'); }
  size_t run_end(size_t i, int mask) const noexcept {
    while (is(i, mask)) ++i;
    return i;
  }
};

// Length of 's 't 'm 'd 're 've 'll at p, else 0.
size_t contraction(const View& v, size_t p, bool any_case) noexcept {
  if (p + 1 >= v.size || v.code[p] != '\'') return 0;
  const auto fold = [&](uint32_t c) { return any_case && c >= 'A' && c <= 'Z' ? c + 32 : c; };
  const uint32_t a = fold(v.code[p + 1]);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if (p + 2 >= v.size) return 0;
  const uint32_t b = fold(v.code[p + 2]);
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

// \s+(?!\S)|\s+ : a run of spaces leaves its last one to the word that follows.
size_t spaces(const View& v, size_t p) noexcept {
  const size_t end = v.run_end(p, kSpace);
  return end - p > 1 && end < v.size ? end - p - 1 : end - p;
}

size_t match_gpt2(const View& v, size_t p) noexcept {
  if (const size_t n = contraction(v, p, false)) return n;
  size_t q = p + (v.code[p] == ' ' && p + 1 < v.size ? 1 : 0);
  if (v.is(q, kLetter)) return v.run_end(q, kLetter) - p;
  if (v.is(q, kNumber)) return v.run_end(q, kNumber) - p;
  if (v.is_rest(q)) {
    while (v.is_rest(q)) ++q;
    return q - p;
  }
  return spaces(v, p);
}

// \p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n and also]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t match_no_word(const View& v, size_t p, size_t max_digits, uint32_t also) noexcept {
  if (v.is(p, kNumber)) {
    size_t n = 1;
    while (n < max_digits && v.is(p + n, kNumber)) ++n;
    return n;
  }
  size_t q = p + (v.code[p] == ' ' ? 1 : 0);
  if (v.is_rest(q)) {
    while (v.is_rest(q)) ++q;
    while (v.is_newline(q) || (q < v.size && v.code[q] == also)) ++q;
    return q - p;
  }
  // \s*[\r\n]+ reaches to the last line end within the run of spaces.
  size_t line_end = 0;
  for (size_t i = p; v.is(i, kSpace); ++i)
    if (v.is_newline(i)) line_end = i + 1;
  return line_end != 0 ? line_end - p : spaces(v, p);
}

template <size_t kMaxDigits>
size_t match_llama3(const View& v, size_t p) noexcept {
  if (const size_t n = contraction(v, p, true)) return n;
  if (!v.is_newline(p) && !v.is(p, kNumber) && (v.is(p, kLetter) || v.is(p + 1, kLetter)))
    return v.run_end(p + 1, kLetter) - p;
  return match_no_word(v, p, kMaxDigits, '\n');
}

// The end of head* tail+ from p on, as a regex that gives back finds it; p when there is none.
size_t lower_end(const View& v, size_t p) noexcept {
  size_t end = p;
  while (v.is_head(end)) ++end;
  if (!v.is_tail(end)) {  // the last of the heads that may be a tail
    while (end > p && !v.is_tail(end - 1)) --end;
    return end;
  }
  while (v.is_tail(end)) ++end;
  return end;
}

// The end of head+ tail* from p on; p when there is none.
size_t upper_end(const View& v, size_t p) noexcept {
  size_t end = p;
  while (v.is_head(end)) ++end;
  if (end == p) return p;
  while (v.is_tail(end)) ++end;
  return end;
}

template <size_t kMaxDigits, bool kContractions>
size_t match_cased(const View& v, size_t p) noexcept {
  const bool may_lead = !v.is_newline(p) && !v.is(p, kLetter | kNumber);
  for (size_t (*const word_end)(const View&, size_t) noexcept : {lower_end, upper_end}) {
    for (size_t q = p + (may_lead ? 1 : 0);; q = p) {
      if (size_t end = word_end(v, q); end > q) {
        if (kContractions) end += contraction(v, end, true);
        return end - p;
      }
      if (q == p) break;
    }
  }
  return match_no_word(v, p, kMaxDigits, '/');
}

size_t match_digit(const View& v, size_t p) noexcept {
  return v.is(p, kNumber) ? 1 : 0;
}

size_t match_newline(const View& v, size_t p) noexcept {
  return v.is_newline(p) ? 1 : 0;
}

template <int kMask>
size_t match_space_run(const View& v, size_t p) noexcept {
  const size_t q = p + (v.is(p, kSpace) ? 1 : 0);
  const size_t end = v.run_end(q, kMask);
  return end == q ? 0 : end - p;
}

size_t match_cjk(const View& v, size_t p) noexcept {
  size_t q = p;
  while (q < v.size &&
         ((v.code[q] >= 0x800 && v.code[q] <= 0x9FA5) || (v.code[q] >= 0xAC00 && v.code[q] <= 0xD7FF)))
    ++q;
  return q - p;
}

size_t match_punct_run(const View& v, size_t p) noexcept {
  constexpr std::string_view kSymbols = "$+<=>^~|`";
  size_t q = p;
  while (v.is(q, kPunct) || (q < v.size && v.code[q] < 128 &&
                             kSymbols.find(static_cast<char>(v.code[q])) != std::string_view::npos))
    ++q;
  return q - p;
}

size_t match_three_digits(const View& v, size_t p) noexcept {
  const auto digit = [&](size_t i) { return i < v.size && v.code[i] >= '0' && v.code[i] <= '9'; };
  return digit(p) && digit(p + 1) && digit(p + 2) ? 3 : 0;
}

template <size_t (*kMatch)(const View&, size_t) noexcept>
void run_pass(const unicode::Chars& chars, std::span<const uint32_t> words, std::vector<uint32_t>& out) {
  size_t start = 0;
  for (const uint32_t length : words) {
    const View view{chars.code.data() + start, chars.classes.data() + start, length};
    start += length;
    uint32_t between = 0;
    for (size_t p = 0; p < view.size;) {
      const size_t n = kMatch(view, p);
      if (n == 0) {
        ++between;
        ++p;
        continue;
      }
      if (between != 0) out.push_back(between);
      between = 0;
      out.push_back(static_cast<uint32_t>(n));
      p += n;
    }
    if (between != 0) out.push_back(between);
  }
}

void run_pass(SplitPass pass, const unicode::Chars& chars, std::span<const uint32_t> words,
              std::vector<uint32_t>& out) {
  switch (pass) {
    case SplitPass::kNone:
      return;
    case SplitPass::kGpt2:
      return run_pass<match_gpt2>(chars, words, out);
    case SplitPass::kLlama3:
      return run_pass<match_llama3<3>>(chars, words, out);
    case SplitPass::kQwen2:
      return run_pass<match_llama3<1>>(chars, words, out);
    case SplitPass::kDigit:
      return run_pass<match_digit>(chars, words, out);
    case SplitPass::kNewline:
      return run_pass<match_newline>(chars, words, out);
    case SplitPass::kSpaceLetters:
      return run_pass<match_space_run<kLetter>>(chars, words, out);
    case SplitPass::kSpacePunct:
      return run_pass<match_space_run<kPunct>>(chars, words, out);
    case SplitPass::kCjk:
      return run_pass<match_cjk>(chars, words, out);
    case SplitPass::kPunctRun:
      return run_pass<match_punct_run>(chars, words, out);
    case SplitPass::kThreeDigits:
      return run_pass<match_three_digits>(chars, words, out);
    case SplitPass::kO200k:
      return run_pass<match_cased<3, true>>(chars, words, out);
    case SplitPass::kTekken:
      return run_pass<match_cased<1, false>>(chars, words, out);
  }
}

}  // namespace

std::vector<uint32_t> split_words(const PreTokenizer& pre, const unicode::Chars& chars) {
  std::vector<uint32_t> words;
  if (chars.code.empty()) return words;
  words.push_back(static_cast<uint32_t>(chars.code.size()));
  std::vector<uint32_t> next;
  for (const SplitPass pass : pre.passes) {
    if (pass == SplitPass::kNone) break;
    next.clear();
    next.reserve(chars.code.size() / 4 + 8);
    run_pass(pass, chars, words, next);
    words.swap(next);
  }
  return words;
}

}  // namespace hone
