/* wzp-candidate: the addresses at which a peer may be reached.
 *
 * A remote list is hostile input: bounded, canonicalised, filtered entry by
 * entry; a bad one is counted in `refused` and the rest is used. Pure. */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

#define WZP_CANDIDATES_MAX 16u /* entries */
/* Of one IP address, loopback apart: a peer must not have us call at all doors
 * of somebody else. */
#define WZP_CANDIDATES_MAX_OF_ADDRESS 4u

typedef enum {
  WZP_CANDIDATE_HOST,
  WZP_CANDIDATE_SERVER_REFLEXIVE,
  WZP_CANDIDATE_PEER_REFLEXIVE,
} WzpCandidateType;

typedef struct {
  WzpAddr addr;
  WzpCandidateType type;
} WzpCandidate;

typedef struct {
  WzpCandidate items[WZP_CANDIDATES_MAX];
  guint n;
  guint refused; /* entries dropped: malformed, not allowed or over the limit */
} WzpCandidateList;

typedef struct {
  const WzpAddr *relay;    /* refused as a candidate; NULL: no relay */
  gboolean allow_loopback; /* the relay or the peer itself is on loopback, or
                            * our socket is bound to a loopback address */
} WzpCandidateFilter;

/* "host", "srflx", "prflx" (RFC 8839 names). */
const char *wzp_candidate_type_to_string (WzpCandidateType type);

/* Whether an address of an own interface is offered as host candidate: IPv4
 * RFC 1918 and CGNAT, IPv6 2000::/3 and ULA. With @bound_to_loopback only
 * loopback ones, for the socket can be reached nowhere else. */
gboolean wzp_candidate_host_is_usable (
    const WzpAddr *addr, gboolean bound_to_loopback);

/* Why a remote address may not be dialled, as a static string; NULL: it may. */
const char *wzp_candidate_refusal (
    const WzpAddr *addr, const WzpCandidateFilter *filter);

/* Adds one: FALSE (and refused counted) when refused or full; TRUE when it was
 * added or an equal address was there already. */
gboolean wzp_candidate_list_add (WzpCandidateList *list, WzpCandidateType type,
    const WzpAddr *addr, const WzpCandidateFilter *filter);
/* The same from text. */
gboolean wzp_candidate_list_add_text (WzpCandidateList *list,
    WzpCandidateType type, const char *text, const WzpCandidateFilter *filter);

/* The peer's candidates in dial order: its host candidates as it listed them,
 * then the server-reflexive one unless it is already there. A full list drops
 * its last host candidate for the reflexive one. @local is NULL-terminated or
 * NULL, @reflexive may be NULL. Initialises @ret_list. */
void wzp_candidate_list_from_remote (WzpCandidateList *ret_list,
    const char *const *local, const char *reflexive,
    const WzpCandidateFilter *filter);

G_END_DECLS
