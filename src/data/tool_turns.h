// The whole of what an assistant writes in a turn that calls tools: more than its message's text, the
// template's words around names and arguments too.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "data/chat_renderer.h"

namespace hone {

struct ToolTurn {
  size_t message = 0;         // which calls tools
  bool found = false;         // else the template does not show the calls as JSON, or the turn cannot be told
  size_t begin = 0, end = 0;  // bytes: from the end of the prompt that a server would send to the turn's end
  bool has_end = false;       // with the token that ends the turn; some templates have none there
};

// Of the messages that begin within the first `max_tokens` (0: all), in order. `read` is what `renderer` made
// of messages and options.
std::vector<ToolTurn> find_tool_turns(const ChatRenderer& renderer, const nlohmann::ordered_json& messages,
                                      const RenderOptions& options, const ReadChat& read, size_t max_tokens);

}  // namespace hone
