// For what is kept in a thread's registers from call to call.
#pragma once

#include <cstdint>

namespace hone {

// How many runs of a ThreadPool this thread has begun: between two of them it may have done what nobody here
// knows of.
uint64_t thread_runs_begun() noexcept;

}  // namespace hone
