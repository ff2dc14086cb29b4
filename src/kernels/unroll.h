// HONE_UNROLL(n) before a loop: copies of its body instead of the loop, so that arrays of sums stay in
// registers. Two builds keep the loops, where GCC 12 would take minutes for a file: under sanitizers, which
// put checks around every access of every copy, and in the scalar files, whose vectors are arrays. Same
// arithmetic in the same order.
#pragma once

#if defined(HONE_SANITIZED) || defined(HONE_PLAIN_LOOPS)
#define HONE_UNROLL(n)
#else
#define HONE_PRAGMA(text) _Pragma(#text)
#define HONE_UNROLL(n) HONE_PRAGMA(GCC unroll n)
#endif
