// Any bytes as a file of chats: every record becomes messages and tokens with a mask as long as they are, or
// hone::Error.
#include "base/error.h"
#include "data/dataset.h"
#include "memory_file.h"
#include "small_vocabulary.h"
#include "targets.h"

void hone::fuzz_chats(const uint8_t* bytes, size_t n) {
  static const Tokenizer tokenizer(small_vocabulary("gpt2", "smollm"));
  static const ChatTemplate chat_template(
      "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}{% if m.tool_calls %}{{ m.tool_calls | "
      "tojson }}"
      "{% endif %}@@\n{% endfor %}{% if add_generation_prompt %}<s>assistant\n{% endif %}",
      "", "@@");
  const MemoryFile memory(bytes, n);
  try {
    const ChatCodec codec{tokenizer, chat_template};
    for (const ChatRecord& chat : read_chats(memory.path())) {
      try {
        const Sample sample = encode_chat(codec, chat, 64, "chat");
        HONE_CHECK(sample.tokens.size() == sample.supervised.size() && sample.tokens.size() <= 64, "n={}",
                   sample.tokens.size());
      } catch (const Error&) {  // of this record alone
      }
    }
  } catch (const Error&) {
  }
}
