// A model card: README.md of a model's page, with the metadata that model hubs read.
#pragma once

#include <string>

#include "report/results.h"

namespace hone {

struct CardFacts {
  std::string licence;   // an identifier such as "apache-2.0"; may be empty
  std::string language;  // "en"; may be empty
  std::string intended;  // what it is for and not for, in the author's words; may be empty
};
// What the report knows and nothing more: where it knows nothing, the card says that somebody must write it.
std::string render_card(const RunReport& report, const CardFacts& facts);

}  // namespace hone
