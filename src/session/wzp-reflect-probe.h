/* wzp-reflect-probe: asks a relay, on a connection made for it, where it sees
 * the socket that the connection leaves from. The endpoint's thread. */
#pragma once

#include "wzp-conn.h"

G_BEGIN_DECLS

#define WZP_REFLECT_PROBE_TIMEOUT_MS 5000u

typedef struct _WzpReflectProbe WzpReflectProbe;

/* @seen: NULL: no answer came. Once, never from inside a function of this
 * header; it may free the probe. */
typedef void (*WzpReflectFunc) (
    WzpReflectProbe *probe, const WzpAddr *seen, gpointer user_data);

WzpReflectProbe *wzp_reflect_probe_new (
    WzpReflectFunc func, gpointer user_data);
/* Closes the connection. */
void wzp_reflect_probe_free (WzpReflectProbe *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpReflectProbe, wzp_reflect_probe_free)

/* For dialling the relay with; @self is its data. */
const WzpConnHandler *wzp_reflect_probe_get_handler (void);
/* What was dialled so; takes the reference. */
void wzp_reflect_probe_take (WzpReflectProbe *self, WzpConn *conn);

G_END_DECLS
