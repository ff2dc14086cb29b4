// Any bytes as a recipe beside two data files: a Recipe or hone::Error, and what was read is in its bounds.
#include <string_view>

#include "base/error.h"
#include "memory_file.h"
#include "pipeline/recipe.h"
#include "targets.h"

void hone::fuzz_recipe(const uint8_t* bytes, size_t n) {
  static MemoryFolder folder;
  static const bool filled = [] {
    for (const char* name : {"train.jsonl", "test.jsonl"}) folder.set(name, {});
    return true;
  }();
  static_cast<void>(filled);
  folder.set("recipe.toml", {bytes, n});
  try {
    const Recipe recipe = load_recipe(folder.path() / "recipe.toml");
    HONE_CHECK(!recipe.name.empty() && recipe.name.find('/') == std::string::npos, "name={}", recipe.name);
    HONE_CHECK(!recipe.base.empty() && !recipe.train.empty() && !recipe.test.empty());
  } catch (const Error&) {
  }
}
