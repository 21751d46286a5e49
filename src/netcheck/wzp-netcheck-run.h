/* wzp-netcheck-run: asks relays from one socket how they see it: each name's
 * addresses at once, by a signalling connection that asks Reflect and ends; then
 * the second port that an answer names, which must have the same certificate.
 * Nothing is registered, and a new identity is shown.
 *
 * The endpoint's thread, with the endpoint's context as thread-default. */
#pragma once

#include "wzp-netcheck-result.h"
#include "wzp-relay-dial.h"

G_BEGIN_DECLS

typedef struct _WzpNetcheckRun WzpNetcheckRun;

/* The end, once, never from inside a call. May free the run, and the
 * endpoint after it. */
typedef void (*WzpNetcheckDoneFunc) (WzpNetcheckRun *run, gpointer user_data);

/* @endpoint must outlive it. */
WzpNetcheckRun *wzp_netcheck_run_new (
    WzpEndpoint *endpoint, guint timeout_ms, WzpNetcheckDoneFunc done,
    gpointer user_data);
/* Before the first turn of the main loop; @rule is copied. */
void wzp_netcheck_run_add (
    WzpNetcheckRun *self, const char *name, const WzpRelayRule *rule);
/* Borrowed; complete once done() was called. */
const WzpNetcheckResult *wzp_netcheck_run_get_result (
    const WzpNetcheckRun *self);
/* Aborts what is under way; nothing is called after. */
void wzp_netcheck_run_free (WzpNetcheckRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNetcheckRun, wzp_netcheck_run_free)

G_END_DECLS
