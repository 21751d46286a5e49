/* wzp-netcheck-result: what a check found, as values. */
#pragma once

#include "wzp-nat.h"

G_BEGIN_DECLS

/* One question to one address of a relay. */
typedef struct {
  WzpAddr addr;          /* asked */
  gboolean is_second;    /* at the second port that the answer from the first
                          * named */
  WzpNatAnswer answer;
  GError *error;         /* owned; NULL: answered */
  gint64 handshake_us;   /* until the connection was up; -1: it was not */
  gint64 reflect_us;     /* from question to answer; -1: there was none */
  WzpAddr local;         /* from which; family 0: not known */
  WzpAddr observed;      /* as the relay saw it; family 0: not told */
  gboolean has_certificate;
  guint8 cert_sha256[32];
} WzpNetcheckProbe;

typedef struct {
  char *name;        /* owned; as given */
  GError *error;     /* owned; why its addresses are not known, or NULL */
  GPtrArray *probes; /* owned, of WzpNetcheckProbe: a second port right behind
                      * the first */
} WzpNetcheckRelay;

typedef struct {
  GPtrArray *relays;    /* owned, of WzpNetcheckRelay */
  guint16 port4, port6; /* asked from; 0: no socket of that family */
  WzpNatVerdict ipv4, ipv6;
} WzpNetcheckResult;

WzpNetcheckResult *wzp_netcheck_result_new (void);
void wzp_netcheck_result_free (WzpNetcheckResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNetcheckResult, wzp_netcheck_result_free)

/* Borrowed. */
WzpNetcheckRelay *wzp_netcheck_result_add_relay (
    WzpNetcheckResult *self, const char *name);
/* Borrowed; put behind @after (nullable: at the end), as not answered yet. */
WzpNetcheckProbe *wzp_netcheck_relay_add_probe (WzpNetcheckRelay *relay,
    const WzpNetcheckProbe *after, const WzpAddr *addr);

/* Whether it answered at one address at least. */
gboolean wzp_netcheck_relay_has_answered (const WzpNetcheckRelay *relay);
gboolean wzp_netcheck_result_is_complete (const WzpNetcheckResult *self);
/* Sets the verdicts by what the probes say. */
void wzp_netcheck_result_judge (WzpNetcheckResult *self);

G_END_DECLS
