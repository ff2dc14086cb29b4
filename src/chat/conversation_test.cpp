#include "chat/conversation.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/error.h"
#include "base/interrupt.h"
#include "runtime/testing.h"

namespace hone {
namespace {

class ConversationTest : public testing::Test {
 protected:
  ConversationTest()
      : source_(make_tiny_llama(11, {.scale = 2.0f})),
        model_(source_),
        tokenizer_(tiny_tokenizer()),
        template_(tiny_chat_template(), "", "") {
    options_.compute = ComputeMode::kPrecise;
    options_.sampling.temperature = 0;
    options_.max_tokens = 8;
    options_.ignore_end = true;
  }
  Conversation make(size_t context = 0) const {
    return {model_, {tokenizer_, template_}, {.context = context, .cache_type = KvFormat::kF32}};
  }

  MemorySource source_;
  Model model_;
  Tokenizer tokenizer_;
  ChatTemplate template_;
  GenerateOptions options_;
};

TEST_F(ConversationTest, RunsOnlyWhatIsNew) {
  Conversation chat = make();
  chat.set_system("be brief");
  const Turn first = chat.reply("and you", options_, {});
  EXPECT_EQ(first.result.reused_tokens, 0u);
  const Turn second = chat.reply("the user", options_, {});
  EXPECT_GE(second.result.reused_tokens, first.result.prompt_tokens);
  ASSERT_EQ(chat.messages().size(), 5u);
  EXPECT_EQ(chat.messages()[4]["content"], second.result.text);
  // The same as from nothing.
  Conversation fresh = make();
  nlohmann::ordered_json earlier = chat.messages();
  earlier.erase(4);
  earlier.erase(3);
  fresh.set_messages(earlier);
  EXPECT_EQ(fresh.reply("the user", options_, {}).result.tokens, second.result.tokens);
}

TEST_F(ConversationTest, UndoResetSystem) {
  Conversation chat = make();
  chat.set_system("be brief");
  chat.reply("one", options_, {});
  chat.reply("two", options_, {});
  EXPECT_EQ(chat.undo(), "two");
  EXPECT_EQ(chat.messages().size(), 3u);
  chat.set_system("be long");
  EXPECT_EQ(chat.system(), "be long");
  EXPECT_EQ(chat.messages().size(), 3u);
  EXPECT_EQ(chat.undo(), "one");
  EXPECT_EQ(chat.undo(), "");
  chat.reply("three", options_, {});
  chat.reset();
  EXPECT_EQ(chat.messages().size(), 1u);
  chat.set_system("");
  EXPECT_TRUE(chat.messages().empty());
}

TEST_F(ConversationTest, LeavesTheOldestOutWhenFull) {
  Conversation chat = make(200);
  chat.set_system("be brief");
  size_t left_out = 0;
  for (int i = 0; i < 12; ++i) {
    const Turn turn = chat.reply("what is there to say about it", options_, {});
    EXPECT_LE(turn.context_tokens, 200u);
    EXPECT_EQ(turn.newly_left_out % 2, 0u);
    if (turn.newly_left_out > 0) {
      EXPECT_LE(turn.result.prompt_tokens, 100u);
    }
    left_out += turn.newly_left_out;
  }
  EXPECT_GT(left_out, 2u);
  EXPECT_EQ(chat.messages().size(), 25u);
}

TEST_F(ConversationTest, RefusesWhatNeverFitsAndForgetsIt) {
  Conversation chat = make(64);
  EXPECT_THROW(chat.reply(std::string(200, 'x'), options_, {}), Error);
  EXPECT_TRUE(chat.messages().empty());
  EXPECT_THROW(make(100000), Error);
}

TEST_F(ConversationTest, CtrlCKeepsWhatWasWritten) {
  install_interrupt_handler();
  Conversation chat = make();
  std::string seen;
  options_.max_tokens = 100;
  const Turn turn = chat.reply("and you", options_, [&](std::string_view text) {
    seen += text;
    if (seen.size() == text.size()) std::raise(SIGINT);
    return true;
  });
  EXPECT_EQ(turn.result.finish, "cancelled");
  EXPECT_EQ(turn.result.text, seen);
  EXPECT_FALSE(interrupted());
  EXPECT_EQ(chat.messages()[1]["content"], seen);
  // Before anything was written: as if it had not been asked.
  std::raise(SIGINT);
  EXPECT_EQ(chat.reply("more", options_, {}).result.finish, "cancelled");
  EXPECT_EQ(chat.messages().size(), 2u);
}

}  // namespace
}  // namespace hone
