#include "text/chat_template.h"

#include <gtest/gtest.h>
TEST(ChatTemplate, ChatMl) {
  hone::ChatTemplate t(
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' "
      "}}{% endfor %}",
      "", "");
  const auto out = t.render(nlohmann::ordered_json::parse(
      R"([{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}])"));
  EXPECT_EQ(out.text, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n");
}
