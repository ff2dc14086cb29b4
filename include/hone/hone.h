// hone as a library: open a model, let it write, count tokens, quantize. Standard C++17 only; link hone::hone
// (CMake) or `pkg-config hone`. The rest of the program (tuning, measuring, reports) is the `hone` command.
//
// Errors are std::runtime_error whose what() is one line: where, what was found, what was expected.
// A Model is used by one thread at a time; it uses several itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#define HONE_API __attribute__((visibility("default")))

namespace hone::api {

HONE_API const char* version() noexcept;
// Threads that all models use; 0 = as many as this process may.
HONE_API void set_threads(int n);

struct Options {
  int max_tokens = 256;
  float temperature = 0.8f;  // 0 = greedy
  int top_k = 40;            // 0 = off
  float top_p = 0.95f;       // 1 = off
  float min_p = 0.05f;       // 0 = off
  float repeat_penalty = 1.0f;
  uint64_t seed = 42;
  std::vector<std::string> stop;  // the text ends before any of these
  bool precise = false;           // f32 throughout
};

struct Reply {
  std::string text;
  std::string finish;  // "stop" or "length"
  std::vector<int32_t> tokens;
  size_t prompt_tokens = 0;
  double prompt_seconds = 0, decode_seconds = 0;
};

struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

// Receives text as it is written; false ends it.
using OnText = std::function<bool(std::string_view)>;

class HONE_API Model {
 public:
  // model: a GGUF file, a Hugging Face folder or a name in the model store. adapter: a PEFT folder or an
  // adapter GGUF, or empty.
  explicit Model(const std::string& model, const std::string& adapter = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  // Goes on from a text.
  Reply complete(const std::string& text, const Options& options = {}, const OnText& on_text = {}) const;
  // Answers a conversation, put into the model's own chat template.
  Reply chat(const std::vector<Message>& messages, const Options& options = {},
             const OnText& on_text = {}) const;

  std::vector<int32_t> tokenize(const std::string& text) const;
  std::string detokenize(const std::vector<int32_t>& tokens) const;

  std::string architecture() const;
  size_t context_length() const noexcept;
  size_t vocabulary_size() const noexcept;
  uint64_t n_parameters() const noexcept;
  uint64_t weight_bytes() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes a model in another format or mix ("q8_0", "q4_k_m", …) as a GGUF file, whole or not at all.
HONE_API void quantize(const std::string& model, const std::string& to, const std::string& output);

}  // namespace hone::api
