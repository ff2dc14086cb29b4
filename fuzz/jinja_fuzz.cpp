// Any bytes as a chat template over a fixed conversation: it renders or it throws hone::Error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "targets.h"
#include "text/chat_template.h"

void hone::fuzz_jinja(const uint8_t* data, size_t size) {
  static const auto messages = nlohmann::ordered_json::parse(R"([
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": "2+2?\n"},
      {"role": "assistant", "content": " <think>é</think>\n\n4 ", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.5}}}]},
      {"role": "user", "content": [{"type": "text", "text": "and"}]}])");
  hone::RenderOptions options;
  options.add_generation_prompt = true;
  options.tools = messages[2]["tool_calls"];
  try {
    const hone::ChatTemplate chat(std::string(reinterpret_cast<const char*>(data), size), "<s>", "</s>");
    const hone::RenderedChat out = chat.render(messages, options);
    size_t last = 0;
    for (const auto& span : out.assistant) {
      if (span.begin < last || span.end <= span.begin || span.end > out.text.size()) __builtin_trap();
      last = span.end;
    }
  } catch (const hone::Error&) {
  }
}
