#include "wzp-role.h"

#include <string.h>

static gboolean
is_known (const char *reflexive)
{
  return reflexive != NULL && reflexive[0] != '\0';
}

const char *
wzp_role_to_string (WzpRole role)
{
  switch (role) {
    case WZP_ROLE_ACCEPTOR:
      return "acceptor";
    case WZP_ROLE_DIALER:
      return "dialer";
  }
  g_return_val_if_reached ("unknown");
}

WzpRole
wzp_role_decide (const char *own_reflexive, const char *peer_reflexive,
    const WzpFingerprint *own, const WzpFingerprint *peer)
{
  int order = 0;

  if (is_known (own_reflexive) && is_known (peer_reflexive))
    order = strcmp (own_reflexive, peer_reflexive);
  if (order == 0)
    order = wzp_fingerprint_compare (own, peer);
  return order <= 0 ? WZP_ROLE_ACCEPTOR : WZP_ROLE_DIALER;
}

/* How hard it is to be reached behind it. What a later version says counts as
 * unknown, as it does in the parser of offers. */
static int
rank_nat (const char *nat)
{
  if (strcmp (nat, "none") == 0)
    return 0;
  if (strcmp (nat, "cone") == 0)
    return 1;
  return strcmp (nat, "symmetric") == 0 ? 3 : 2;
}

WzpRole
wzp_role_decide_by_nat (const char *own_nat, const char *peer_nat,
    const char *own_reflexive, const char *peer_reflexive,
    const WzpFingerprint *own, const WzpFingerprint *peer)
{
  if (own_nat != NULL && peer_nat != NULL &&
      rank_nat (own_nat) != rank_nat (peer_nat))
    return rank_nat (own_nat) < rank_nat (peer_nat) ? WZP_ROLE_ACCEPTOR
                                                    : WZP_ROLE_DIALER;
  return wzp_role_decide (own_reflexive, peer_reflexive, own, peer);
}
