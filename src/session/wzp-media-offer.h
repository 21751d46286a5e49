/* wzp-media-offer: CallOffer and CallAnswer, the first two messages on a media
 * connection with a program of another make: made and checked. What they prove:
 * whoever sent one holds a signature of that identity. Nothing in it names this
 * call or this connection, so that it can be repeated by whoever was sent it
 * (docs/protocol.md, "Reference peers"). Pure. */
#pragma once

#include "wzp-call-keys.h"
#include "wzp-identity.h"
#include "wzp-message.h"

G_BEGIN_DECLS

/* @type: WZP_MESSAGE_CALL_OFFER or _CALL_ANSWER. */
WzpMessage *wzp_media_offer_new (WzpMessageType type,
    const WzpIdentity *identity, const WzpEphemeral *ephemeral);
/* The same as the bytes of a stream. */
GBytes *wzp_media_offer_new_bytes (WzpMessageType type,
    const WzpIdentity *identity, const WzpEphemeral *ephemeral);
/* Whether @message is of @type and signed by @key. WZP_ERROR_PROTOCOL, or
 * WZP_ERROR_IDENTITY: of another key, or a wrong signature. */
gboolean wzp_media_offer_check (const WzpMessage *message, WzpMessageType type,
    const guint8 key[WZP_PUBLIC_KEY_LEN], GError **error);

G_END_DECLS
