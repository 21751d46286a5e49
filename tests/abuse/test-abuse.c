/* Everything that a stranger may do to a relay, while a call goes on through
 * it. The table at the end says what was sent, what happened and what the call
 * felt. */
#include "wzp-abuse.h"

int
main (int argc, char **argv)
{
  int result;

  wzp_test_init (&argc, &argv);
  abuse_add_handshakes ();
  abuse_add_streams ();
  abuse_add_calls ();
  abuse_add_media ();
  result = wzp_test_run ();
  abuse_print_table ();
  return result;
}
