#include "formats/search.h"

namespace hone::codec::avx2 {
#include "formats/search_body.h"
#include "formats/search_symmetric.h"
}  // namespace hone::codec::avx2
