#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/json_lines.h"
#include "data/test_support.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

std::vector<ChatRecord> read(const TestFolder& folder, const std::string& name, std::string_view text) {
  return read_chats(folder.file(name, text));
}

TEST(ChatReader, FourShapesGiveTheSameMessages) {
  const TestFolder folder;
  const auto chats =
      read(folder, "a.jsonl",
           "\xef\xbb\xbf{\"messages\": [{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
           "\"content\":\"a\"}]}\r\n"
           "\n"
           "{\"prompt\": \"q\", \"completion\": \"a\"}\n"
           "{\"instruction\": \"q\", \"input\": \"\", \"output\": \"a\"}\n"
           "  \t\n"
           "{\"conversations\": [{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}]}");
  ASSERT_EQ(chats.size(), 4u);
  const auto expected =
      ordered_json::parse(R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])");
  const std::vector<size_t> lines = {1, 3, 4, 6};
  for (size_t i = 0; i < chats.size(); ++i) {
    EXPECT_EQ(chats[i].messages, expected) << i;
    EXPECT_EQ(chats[i].line, lines[i]);
  }
}

TEST(ChatReader, InputJoinsInstructionAndPartsJoin) {
  const TestFolder folder;
  const auto chats =
      read(folder, "a.jsonl",
           R"({"instruction": "do", "input": "this", "output": "done", "system": "s"})"
           "\n"
           R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", )"
           R"("text": "b"}], "name": "n"}, {"role": "assistant", "tool_calls": [{"id": 1}]}]})"
           "\n"
           R"({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", )"
           R"("content": "a"}]})");
  EXPECT_EQ(chats[0].messages[0]["content"], "s");
  EXPECT_EQ(chats[0].messages[1]["content"], "do\n\nthis");
  EXPECT_EQ(chats[1].messages[0]["content"], "ab");
  EXPECT_EQ(chats[1].messages[0]["name"], "n");
  EXPECT_EQ(chats[1].messages[1]["content"], "");
  EXPECT_EQ(chats[2].messages.size(), 2u);
  EXPECT_EQ(chats[2].n_given, 1u);
  EXPECT_EQ(chats[0].n_given, 0u);
}

TEST(ChatReader, ShareGptCallsTools) {
  const TestFolder folder;
  const ordered_json messages =
      read(
          folder, "a.jsonl",
          R"({"system": "s", "conversations": [{"from": "human", "value": "q"}, {"from": "function_call", )"
          R"("value": "{\"name\": \"f\", \"arguments\": {\"a\": 1}}"}, {"from": "observation", "value": "2"}, )"
          R"({"from": "gpt", "value": "two"}]})")
          .at(0)
          .messages;
  EXPECT_EQ(messages,
            ordered_json::parse(R"([{"role": "system", "content": "s"}, {"role": "user", "content": "q"},
      {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]},
      {"role": "tool", "content": "2"}, {"role": "assistant", "content": "two"}])"));
}

TEST(ChatReader, ToolsAreAListOrOneInAString) {
  const TestFolder folder;
  const auto chats = read(folder, "a.jsonl",
                          R"({"prompt": "q", "completion": "a", "tools": [{"type": "function"}]})"
                          "\n"
                          R"({"prompt": "q", "completion": "a", "tools": "[{\"type\": \"function\"}]"})"
                          "\n"
                          R"({"prompt": "q", "completion": "a", "tools": null})");
  EXPECT_EQ(chats[0].tools.size(), 1u);
  EXPECT_EQ(chats[0].tools, chats[1].tools);
  EXPECT_TRUE(chats[2].tools.is_null());
  const std::string message = error_of(ErrorCode::kInvalidArgument, [&] {
    read(folder, "b.jsonl", R"({"prompt": "q", "completion": "a", "tools": "[broken"})");
  });
  EXPECT_NE(message.find("b.jsonl:1: \"tools\""), std::string::npos) << message;
}

TEST(ChatReader, ArrayElementsKnowTheirLine) {
  const TestFolder folder;
  const auto chats = read(
      folder, "a.json",
      "[\n  {\"prompt\": \"a],[{\\\"\", \"completion\": \"b\"},\n\n"
      "  {\"prompt\": \"c\",\n   \"completion\": \"d\"}, {\"prompt\": \"e\", \"completion\": \"f\"}\n]\n");
  ASSERT_EQ(chats.size(), 3u);
  EXPECT_EQ(chats[0].line, 2u);
  EXPECT_EQ(chats[1].line, 4u);
  EXPECT_EQ(chats[2].line, 5u);
  EXPECT_EQ(chats[0].messages[0]["content"], "a],[{\"");
}

struct BadFile {
  const char* text;
  const char* position;  // behind the file's name
  const char* says;
};

TEST(ChatReader, BadFilesNameTheirPlace) {
  const TestFolder folder;
  const std::string good = "{\"prompt\": \"q\", \"completion\": \"a\"}\n";
  const std::string deep = good + std::string(100, '[');
  const std::vector<BadFile> cases = {
      {"", ":1:", "empty"},
      {" \n\n", ":1:", "empty"},
      {"[]", ":1:", "empty"},
      {"[\n\n3]", ":3:", "expected a JSON object"},
      {"[{\"prompt\": \"q\",\n \"completion\": nope}]", ":2:17", "broken JSON"},
      {"{\"prompt\": \"q\", \"completion\": \"a\"}\n{\"prompt\": nope}", ":2:13", "broken JSON"},
      {"{\"prompt\": \"q\"", ":1:15", "broken JSON"},
      {"{\"prompt\": \"q\", \"completion\": \"a\"} trailing", ":1:38", "broken JSON"},
      {"{\"prompt\": \"q\xff\"}", ":1:14", "0xff"},
      {"{\"prompt\": \"\xed\xa0\x80\"}", ":1:13", "UTF-8"},
      {"\"text\"", ":1:", "got string, expected a JSON object"},
      {deep.c_str(), ":2:65", "nested deeper"},
      {"{\"text\": \"q\", \"b\": 1}", ":1:", "got {text, b}"},
      {"{\"messages\": {}}", ":1:", "expected a list"},
      {"{\"messages\": []}", ":1:", "empty"},
      {"{\"messages\": [1]}", ":1: message 1", "got number"},
      {"{\"messages\": [{\"content\": \"q\"}]}", ":1: message 1", "missing \"role\""},
      {"{\"messages\": [{\"role\": 1, \"content\": \"q\"}]}", ":1: message 1",
       "got number, expected a string"},
      {"{\"messages\": [{\"role\": \"user\"}]}", ":1: message 1", "missing \"content\""},
      {"{\"messages\": [{\"role\": \"user\", \"content\": null}]}", ":1: message 1", "got null"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]}", ":1: message 1",
       "not text"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"robot\", \"content\": "
       "\"q\"}]}",
       ":1: message 2", "unknown role: got \"robot\""},
      {"{\"conversations\": [{\"from\": \"dog\", \"value\": \"q\"}]}", ":1: message 1", "unknown role"},
      {"{\"system\": \"s\", \"conversations\": [{\"from\": \"dog\", \"value\": \"q\"}]}", ":1: message 1",
       "unknown role"},
      {"{\"conversations\": [{\"from\": \"human\"}]}", ":1: message 1", "missing \"value\""},
      {"{\"conversations\": [{\"from\": \"function_call\", \"value\": \"f(1)\"}]}", ":1: message 1",
       "expected JSON like"},
      {"{\"prompt\": \"q\"}", ":1:", "missing \"completion\""},
      {"{\"prompt\": \"q\", \"completion\": 3}", ":1:", "\"completion\": got number"},
      {"{\"instruction\": \"q\"}", ":1:", "missing \"output\""},
  };
  for (const BadFile& bad : cases) {
    const auto path = folder.file("bad.jsonl", bad.text);
    const std::string message = error_of(ErrorCode::kInvalidArgument, [&] { read_chats(path); });
    EXPECT_TRUE(message.starts_with(path.string() + bad.position)) << message << "\nfor " << bad.text;
    EXPECT_NE(message.find(bad.says), std::string::npos) << message << "\nfor " << bad.text;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
  error_of(ErrorCode::kNotFound, [&] { read_chats(folder.path() / "absent.jsonl"); });
}

}  // namespace
}  // namespace hone
