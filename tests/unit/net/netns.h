/* A network namespace of its own for a test: only a loopback interface, up,
 * where addresses and the MTU may be changed. Nothing can leave it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Runs @func in a child process in a new namespace and asserts that it
 * returned; skips the test where namespaces are not allowed. */
void netns_run (void (*func) (void));

/* This process, which has one thread, in a new one, with nothing up in it. FALSE:
 * not allowed. As root, or as root of a user namespace: commands that it runs
 * may do there what it may. */
gboolean netns_enter (void);

/* From inside @func: what it needs is not there, skip the test. */
void netns_skip (void) G_GNUC_NORETURN;

/* In the namespace, on its loopback interface. */
void netns_set_mtu (int mtu);
void netns_set_up (gboolean is_up);
/* @text: "a.b.c.d" or IPv6; @is_deprecated: with a preferred lifetime of 0. */
void netns_add_address (const char *text, gboolean is_deprecated);

G_END_DECLS
