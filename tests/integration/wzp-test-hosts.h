/* wzp-test-hosts: machines of their own, for tests of what a network does: each
 * is a thread in a network namespace of its own, with one card. This process
 * is the router between them, in a namespace of its own too: nothing can leave
 * it, and nothing is left of it.
 *
 *   hub 10.0.0.1 --- 10.1.0.1/24 --- host 1: 10.1.0.2
 *               \--- 10.2.0.1/24 --- host 2: 10.2.0.2 */
#pragma once

#include "wzp-loop.h"

typedef struct _WzpTestHost WzpTestHost;

#define WZP_TEST_HUB_ADDRESS "10.0.0.1"

/* First of all in main(), before any thread: FALSE: not possible here, skip. */
gboolean wzp_test_hosts_init (void);

/* @number: 1 to 254. */
WzpTestHost *wzp_test_host_new (guint number);
void wzp_test_host_free (WzpTestHost *host);
/* The main context that its thread runs. */
GMainContext *wzp_test_host_get_context (WzpTestHost *host);

/* Run a shell's words at the host or, with NULL, at the hub; $H is the hub's
 * end of the host's cable ("h1"), the host's card is "eth". Asserts that they
 * succeed. */
void wzp_test_host_run (WzpTestHost *host, const char *words);
