/* What every fuzz target defines. With the option `fuzzer` libFuzzer calls it,
 * else fuzz-driver.c does. */
#pragma once

#include <glib.h>

/* @data: exactly @size bytes, nothing behind. Always returns 0; a finding is
 * an abort. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
