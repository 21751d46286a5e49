/* wzp-nat: what kind of NAT stands between one socket and several servers, told
 * by the address that each server saw.
 *
 * Terms are those of RFC 4787 (behaviour of NATs for UDP) and RFC 5780, whose
 * mapping test this is (section 4.3), with relays as its servers. The other
 * half, filtering (4.4), is not tested: no server sends from an address that
 * it was not asked at. Pure. */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

#define WZP_NAT_MAX_OBSERVATIONS 128u /* more are passed over */
/* Ports that lie no further apart than this are taken for the next ones in a
 * row: that two of random ones do has a chance of 1 in 2000. */
#define WZP_NAT_MAX_PORT_STEP    16u

typedef enum {
  WZP_NAT_ANSWERED,  /* `local` and `observed` are set */
  WZP_NAT_NO_ANSWER, /* it was sent, nothing came back */
  WZP_NAT_REFUSED,   /* something came back, but not what was asked for */
  WZP_NAT_NOT_SENT,  /* no socket or no route of this family */
} WzpNatAnswer;

/* One question to one server. All of one family must have left from one
 * socket, within the life time of a mapping. */
typedef struct {
  WzpAddr server;   /* address and port asked */
  WzpAddr local;    /* from which, as this machine sees it */
  WzpAddr observed; /* from which, as the server sees it */
  WzpNatAnswer answer;
} WzpNatObservation;

typedef enum {
  WZP_NAT_UNAVAILABLE,  /* nothing of this family could be asked */
  WZP_NAT_BLOCKED,      /* nothing came back over UDP */
  WZP_NAT_UNKNOWN,      /* too few answers */
  WZP_NAT_NONE,         /* the servers see the local address */
  WZP_NAT_INDEPENDENT,  /* endpoint-independent mapping: "cone" */
  WZP_NAT_BY_ADDRESS,   /* address-dependent mapping */
  WZP_NAT_BY_PORT,      /* address and port-dependent mapping: "symmetric" */
} WzpNatType;

typedef struct {
  WzpNatType type;
  guint n_asked, n_answered;
  WzpAddr observed;          /* the first of those that count; family 0: none */
  gboolean several_servers;  /* answers that count: of more than one address */
  gboolean several_ports;    /* and of more than one port of one address; where
                              * FALSE, BY_ADDRESS may be BY_PORT in truth, and
                              * where the other is, INDEPENDENT BY_ADDRESS */
  gboolean is_local_only;    /* NONE: only servers at hand (loopback, private,
                              * link-local addresses) were asked */
  gboolean preserves_port;   /* RFC 4787, 4.2.1: all observed ports are the
                              * socket's own */
  guint n_public;            /* different addresses observed; over 1: pooling is
                              * "arbitrary" (RFC 4787, 4.1) */
  gboolean is_sequential;    /* ports of a dependent mapping follow each other */
  guint16 min_step, max_step; /* then: by this much */
  gboolean is_cgnat;         /* 100.64/10 was seen at either end (RFC 6598) */
  gboolean is_double;        /* a private address was observed, not our own:
                              * there is another NAT behind the server's */
} WzpNatVerdict;

/* Judges those of @observations whose server is of @family (4 or 6). Answers
 * from inside (observed: the local address, or a private one) do not count
 * where others came through a NAT to the Internet. */
void wzp_nat_classify (const WzpNatObservation *observations, guint n,
    int family, WzpNatVerdict *ret_verdict);

/* "none", "endpoint-independent", "address-dependent",
 * "address-and-port-dependent", "blocked", "unknown", "unavailable". */
const char *wzp_nat_type_to_string (WzpNatType type);
/* For the extension `nat` of an offer: "none", "cone", "symmetric",
 * "unknown". */
const char *wzp_nat_to_extension (const WzpNatVerdict *verdict);
/* In plain words, one or more sentences of ASCII: what stands in between
 * (transfer full), and what that means for calls (static). */
char *wzp_nat_describe (const WzpNatVerdict *verdict);
const char *wzp_nat_meaning (const WzpNatVerdict *verdict);

G_END_DECLS
