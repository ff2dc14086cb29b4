// Parts of a recipe that are lists of tables.
#pragma once

#include "pipeline/recipe.h"
#include "pipeline/recipe_node.h"

namespace hone {

std::vector<RecipeTask> read_recipe_tasks(const RecipeValue& value);

}  // namespace hone
