// Dataset files read and encoded as a whole.
#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "data/chat_renderer.h"
#include "data/dataset.h"

namespace hone {

Dataset load_dataset(const std::filesystem::path& path, const ChatCodec& codec, size_t max_length,
                     size_t limit) {
  const std::vector<ChatRecord> chats = read_chats(path);
  const size_t n = limit > 0 ? std::min(limit, chats.size()) : chats.size();
  const ChatRenderer renderer(codec);
  Dataset dataset;
  dataset.path = path;
  dataset.samples.reserve(n);
  Hasher hasher;
  Progress progress("reading " + path.filename().string(), n, "chats");
  for (size_t i = 0; i < n; ++i) {
    throw_if_interrupted("reading the data");
    Sample sample =
        encode_chat(renderer, chats[i], max_length, fmt::format("{}:{}", path.string(), chats[i].line));
    const uint64_t length = sample.tokens.size();
    hasher.add(std::as_bytes(std::span(&length, 1)));
    hasher.add(std::as_bytes(std::span(sample.tokens)));
    hasher.add(std::as_bytes(std::span(sample.supervised)));
    dataset.n_tokens += sample.tokens.size();
    dataset.n_supervised += sample.n_supervised();
    dataset.n_truncated += sample.truncated ? 1 : 0;
    dataset.n_unseen_calls += sample.n_unseen_calls;
    dataset.samples.push_back(std::move(sample));
    progress.update(i + 1);
  }
  progress.finish();
  dataset.content_hash = hasher.digest();
  if (dataset.n_unseen_calls > 0)
    say(
        fmt::format("{}: {} of the assistants' messages call tools in a way that the model's template does "
                    "not show; of these "
                    "only text is learned",
                    path.string(), dataset.n_unseen_calls));
  return dataset;
}

}  // namespace hone
