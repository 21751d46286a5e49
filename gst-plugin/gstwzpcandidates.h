/* gstwzpcandidates: a WzpDescription as the GstStructure that applications
 * carry from one side to the other, as text if they like:
 *
 *   application/x-wzp-candidates,
 *     fingerprint  string  of the identity, for people and for the peer's check
 *     identity     string  hex, 32 bytes: Ed25519 public key
 *     ephemeral    string  hex, 32 bytes: X25519 public key
 *     call         string  hex, 16 bytes: nonce
 *     signature    string  hex, 64 bytes: by identity over ephemeral and call
 *     reflexive    string  address as the relay sees it; left out if unknown
 *     local        GstValueArray of string; left out if there are none
 *     relay        string  host:port; left out if there is none
 *
 * Pure. */
#pragma once

#include <gst/gst.h>

#include "wzp-description.h"

G_BEGIN_DECLS

#define GST_WZP_CANDIDATES_NAME "application/x-wzp-candidates"
#define GST_WZP_CANDIDATES_MAX_TEXT 256u /* bytes of reflexive and relay */

GstStructure *gst_wzp_candidates_new (const WzpDescription *description);

/* Checks all, the signature too. WZP_ERROR_INVALID that names the field, or
 * WZP_ERROR_IDENTITY. Unknown fields are ignored; entries of `local` that
 * cannot be an address, and those over WZP_MESSAGE_MAX_ADDRS, are dropped. */
WzpDescription *gst_wzp_candidates_parse (
    const GstStructure *structure, GError **error);

G_END_DECLS
