#include "formats/search.h"

namespace hone::codec::avx2 {
#include "formats/search_body.h"
#include "formats/search_symmetric.h"
#include "formats/search_table.h"
}  // namespace hone::codec::avx2
