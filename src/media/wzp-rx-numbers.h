/* wzp-rx-numbers: datagram numbers of one direction: received, lost, repeated,
 * counted with a small allowance for reordering. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_RX_NUMBERS_WINDOW 4096u /* numbers behind the highest one */

typedef struct _WzpRxNumbers WzpRxNumbers;

WzpRxNumbers *wzp_rx_numbers_new (void);
void wzp_rx_numbers_free (WzpRxNumbers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRxNumbers, wzp_rx_numbers_free)
/* FALSE: a repeat, or too old to know (which does not count as a repeat). */
gboolean wzp_rx_numbers_mark (WzpRxNumbers *self, guint64 number);
guint64 wzp_rx_numbers_received (const WzpRxNumbers *self);
guint64 wzp_rx_numbers_repeated (const WzpRxNumbers *self);
/* Numbers from the first one marked, below highest - WZP_RX_NUMBERS_REORDER,
 * that never came. One that comes later after all is taken off again. */
#define WZP_RX_NUMBERS_REORDER 64u
guint64 wzp_rx_numbers_lost (const WzpRxNumbers *self);

G_END_DECLS
