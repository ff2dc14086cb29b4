// HONE_UNROLL(n) before a loop: copies of its body instead of the loop, so that arrays of sums stay in registers.
// Sanitizers put checks around every access of every copy, and GCC 12 then takes minutes for a file; there the loops
// stay loops: same arithmetic in the same order.
#pragma once

#if defined(HONE_SANITIZED)
#define HONE_UNROLL(n)
#else
#define HONE_PRAGMA(text) _Pragma(#text)
#define HONE_UNROLL(n) HONE_PRAGMA(GCC unroll n)
#endif
