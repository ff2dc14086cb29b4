// One record as a chat, for readers of whole files.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace hone {

// Whether the record has the keys of one of the four shapes.
bool is_chat(const nlohmann::ordered_json& record);
// Its messages, each with "role" and "content"; at least one. Throws kInvalidArgument "where: …".
nlohmann::ordered_json chat_messages(const nlohmann::ordered_json& record, const std::string& where);

}  // namespace hone
