// Calls of tools in assistant messages, as OpenAI and Hugging Face write them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

bool calls_tools(const nlohmann::ordered_json& message);

// The same messages in every form that templates are known to print, the most usual first: arguments as
// objects or as JSON text, the content of a bare call "" or null. One form, as given, when nobody calls a
// tool. Throws kInvalidArgument "where: …" for arguments nested too deep.
std::vector<nlohmann::ordered_json> tool_call_forms(const nlohmann::ordered_json& messages,
                                                    const std::string& where);

// True when the text names the functions that the message calls, in order, and has their arguments neither as
// Python prints a dictionary nor as a string inside a string.
bool shows_calls(std::string_view text, const nlohmann::ordered_json& message);

}  // namespace hone
