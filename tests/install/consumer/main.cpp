// consumer MODEL OUTPUT: what a program that uses the library does; prints one line a step.
#include <hone/hone.h>

#include <cstdio>
#include <stdexcept>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  hone::api::set_threads(1);
  const hone::api::Model model(argv[1]);
  std::printf("%s %s %zu\n", hone::api::version(), model.architecture().c_str(), model.vocabulary_size());
  std::printf("%s\n", model.detokenize(model.tokenize("Once upon a time")).c_str());
  hone::api::Options options;
  options.temperature = 0;
  options.max_tokens = 12;
  std::string streamed;
  const hone::api::Reply reply = model.complete("Once upon a time", options, [&](std::string_view text) {
    streamed += text;
    return true;
  });
  std::printf("%s|%s|%zu\n", reply.finish.c_str(), streamed == reply.text ? "same" : "different",
              reply.tokens.size());
  const hone::api::Reply answer = model.chat({{"user", "Tell me about the cat."}}, options);
  std::printf("%zu\n", answer.tokens.size());
  hone::api::quantize(argv[1], "q8_0", argv[2]);
  try {
    hone::api::Model("/nowhere/absent.gguf");
  } catch (const std::runtime_error& error) {
    std::printf("error: %s\n", error.what());
  }
  return 0;
}
