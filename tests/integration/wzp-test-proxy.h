/* wzp-test-proxy: a UDP wire over loopback that a test can cut, make lossy or
 * slow: what arrives at its address is passed on to a target, from a port of
 * its own for each sender, and back. A thread of its own. */
#pragma once

#include "wzp-addr.h"

typedef struct _WzpTestProxy WzpTestProxy;

#define WZP_TEST_PROXY_MAX_CLIENTS 8u

WzpTestProxy *wzp_test_proxy_new (const WzpAddr *target);
void wzp_test_proxy_free (WzpTestProxy *proxy);
const char *wzp_test_proxy_get_address (WzpTestProxy *proxy); /* ip:port */
/* TRUE: everything is swallowed, both ways. */
void wzp_test_proxy_set_blackhole (WzpTestProxy *proxy, gboolean blackhole);
/* Of 1000 packets, how many are lost, at random, each way. */
void wzp_test_proxy_set_loss (WzpTestProxy *proxy, guint per_mille);
/* A router that forgot: from now on each sender has another port towards the
 * target, and what comes to the old ones is lost. */
void wzp_test_proxy_rebind (WzpTestProxy *proxy);
guint wzp_test_proxy_get_passed (WzpTestProxy *proxy);
