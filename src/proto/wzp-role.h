/* wzp-role: who listens and who dials, decided by both sides alike.
 *
 * The peer whose server-reflexive address text is smaller is the Acceptor.
 * Missing or equal: the smaller fingerprint is the Acceptor (both sides always
 * know both). Pure. */
#pragma once

#include "wzp-fingerprint.h"

G_BEGIN_DECLS

typedef enum {
  WZP_ROLE_ACCEPTOR, /* listens on the direct path */
  WZP_ROLE_DIALER,   /* sends the QUIC Initials, and nominates the path */
} WzpRole;

const char *wzp_role_to_string (WzpRole role); /* "acceptor", "dialer" */

/* @own_reflexive, @peer_reflexive: nullable. Our own role. With equal
 * fingerprints too (a call to oneself) both become Acceptor: callers refuse
 * such a call before. */
WzpRole wzp_role_decide (const char *own_reflexive, const char *peer_reflexive,
    const WzpFingerprint *own, const WzpFingerprint *peer);

/* The same, where both have said what NAT is in front of them (the extension
 * `nat` of offer and answer): the one with the harder NAT dials, since who
 * dials may come from a port that nobody knew, and may move. none < cone <
 * unknown < symmetric; where they are alike, or one is NULL, the rule above. */
WzpRole wzp_role_decide_by_nat (const char *own_nat, const char *peer_nat,
    const char *own_reflexive, const char *peer_reflexive,
    const WzpFingerprint *own, const WzpFingerprint *peer);

G_END_DECLS
