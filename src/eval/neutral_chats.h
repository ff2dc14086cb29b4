// A fixed set of short chats about nothing in particular, written for this project: everyday facts, small
// sums, simple requests. Nobody tunes a model for them, so how far a tuned model's answers to them are from
// its base's is drift: what training changed beyond its subject.
#pragma once

#include <string_view>

#include "data/dataset.h"

namespace hone {

// Its version: numbers of different versions cannot be compared.
constexpr std::string_view kNeutralChats = "neutral-1";
std::vector<ChatRecord> neutral_chats();
// As samples of a model; longer ones than max_length are cut.
Dataset neutral_dataset(const ChatCodec& codec, size_t max_length);

}  // namespace hone
