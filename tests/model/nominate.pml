/* Agreement on a path, as src/race/wzp-nominate.c has it: the rules of both
 * sides, over a network that loses, repeats and reorders their messages, with
 * paths that come and go and die at times that both sides see apart.
 *
 * Checked for every interleaving:
 *   agree     once the network is left alone, both sides come to send on the
 *             same path, and stay there
 *   proof     (assertion) direct is not nominated first without its proof,
 *             as long as the relay lives
 *   one_writer (assertions) the Acceptor never follows what the Dialer did not
 *             nominate, a number stands for one path, and an acknowledged path
 *             is the one that was asked for
 *
 * What time decides in the code (a path is proved, suspect, held down) is
 * decided here by the environment, at any moment: so what holds here holds for
 * any timing. Numbers of events are bounded; see run.sh for the bounds.
 *
 * BREAK_...: rules left out, to see that the check finds it. */

#ifndef EVENTS
#define EVENTS 3 /* paths that come, go, or change their health */
#endif
#ifndef LOSSES
#define LOSSES 2 /* messages lost */
#endif
#ifndef REPEATS
#define REPEATS 1 /* messages repeated, or two that change places */
#endif
#define MAX_N (EVENTS + 3)

#define NONE   0
#define RELAY  1
#define DIRECT 2
#define OTHER(p) (p == NONE -> NONE : 3 - p)

/* [path] as each side sees it; NONE is never up. */
bool d_up[3], a_up[3];
bool d_dead[3];  /* the Dialer's judgement */
bool may_direct; /* direct is proved, not suspect and not held down */
bool overdue;    /* direct has been up for long and was never proved */
bool better;     /* the relay's score is, for long enough */

/* What each side sends on. */
byte d_path = NONE, a_path = NONE;
/* The nomination: made by the Dialer, followed by the Acceptor. */
byte d_n = 0, d_target = NONE, a_n = 0, a_target = NONE;
bool d_acked = false, a_acked = true, a_begun = false;
/* What each number stood for. */
byte nominated[MAX_N + 1];

byte events = EVENTS, losses = LOSSES, repeats = REPEATS;

chan to_acceptor = [2] of { byte, byte }; /* n, path */
chan to_dialer = [2] of { byte };         /* n */

/* The control channel sends on every live path. */
#define CONNECTED ((d_up[RELAY] && a_up[RELAY]) || (d_up[DIRECT] && a_up[DIRECT]))

inline nominate (path)
{
  d_n++;
  assert (d_n <= MAX_N);
  nominated[d_n] = path;
  d_target = path;
  d_acked = false;
}

/* The Dialer's choose() and lead(). */
#ifdef BREAK_PROOF /* the first nomination wants no proof */
#define D_PROVED       d_up[DIRECT]
#else
#define D_PROVED       (d_up[DIRECT] && may_direct)
#endif
#define D_RELAY_DEAD   (d_dead[RELAY] && d_up[DIRECT] && !d_dead[DIRECT])
#define D_WANTS_FIRST  (d_target == NONE && (d_up[RELAY] || D_PROVED))
#define D_WANTS_OTHER  (d_target != NONE && d_up[OTHER (d_target)] && \
    (!d_up[d_target] || (d_dead[d_target] && !d_dead[OTHER (d_target)])))
#define D_WANTS_DIRECT (d_target == RELAY && d_up[RELAY] && !d_dead[RELAY] && \
    d_up[DIRECT] && !d_dead[DIRECT] && may_direct && !better)
/* Before any nomination: provisionally, as the Acceptor. */
#define FIRST_UP(up)   (up[DIRECT] -> DIRECT : (up[RELAY] -> RELAY : NONE))
#define D_WANTS_RELAY  (d_target == DIRECT && d_up[RELAY] && !d_dead[RELAY] && \
    d_up[DIRECT] && (better || (overdue && !may_direct)))
#define D_SENDS_ON     (d_target == NONE -> FIRST_UP (d_up) : \
    (d_up[d_target] -> d_target : NONE))

/* Each side is three processes, so that weak fairness, which is of processes,
 * means that everything that can be done all the time is done some time. */
active proctype DialerDecides ()
{
end:
  do
  :: atomic { D_WANTS_FIRST ->
      if
      :: D_PROVED -> assert (may_direct); nominate (DIRECT)
         /* Direct is no longer on trial. */
      :: d_up[RELAY] && !D_RELAY_DEAD -> nominate (RELAY)
      :: d_up[RELAY] && D_RELAY_DEAD -> nominate (DIRECT)
      fi;
      d_path = D_SENDS_ON }
  :: atomic { D_WANTS_OTHER -> nominate (OTHER (d_target)); d_path = D_SENDS_ON }
  :: atomic { D_WANTS_DIRECT -> nominate (DIRECT); d_path = D_SENDS_ON }
  :: atomic { D_WANTS_RELAY -> nominate (RELAY); d_path = D_SENDS_ON }
  :: atomic { d_path != D_SENDS_ON -> d_path = D_SENDS_ON }
  od
}

/* Said, and said again until it is acknowledged. */
active proctype DialerSays ()
{
  byte said = 0;

end:
  do
#ifdef BREAK_RESEND /* said once only */
  :: atomic { d_target != NONE && said != d_n && nfull (to_acceptor) ->
      to_acceptor ! d_n, d_target; said = d_n }
#else
  :: atomic { d_target != NONE && !d_acked &&
      (empty (to_acceptor) || (said != d_n && nfull (to_acceptor))) ->
      to_acceptor ! d_n, d_target; said = d_n }
#endif
  od
}

active proctype DialerHears ()
{
  byte n;

end:
  do
  :: atomic { CONNECTED && nempty (to_dialer) -> to_dialer ? n;
      if
      :: n == d_n -> d_acked = true; assert (nominated[n] == d_target)
      :: else
      fi;
      n = 0 }
  od
}

/* The Acceptor's choose_provisional(). */
inline follow ()
{
  byte down;

  down = (a_path != NONE -> a_path : a_target);
  if
#ifdef BREAK_WRITER /* the Acceptor knows better */
  :: a_up[DIRECT] -> a_path = DIRECT
#endif
  :: a_up[a_target] -> a_path = a_target
  :: !a_up[a_target] && a_up[a_path]
  :: !a_up[a_target] && !a_up[a_path] && a_begun && a_up[OTHER (down)] ->
      a_path = OTHER (down)
  :: else ->
      a_path = FIRST_UP (a_up)
  fi;
  if
  :: a_path != NONE -> a_begun = true
  :: else
  fi;
  down = 0
}

/* Whether follow() would change anything. */
#define A_IS_IDLE ((a_up[a_target] && a_path == a_target) || \
    (!a_up[a_target] && a_up[a_path]) || \
    (!a_up[RELAY] && !a_up[DIRECT] && a_path == NONE))

active proctype AcceptorDecides ()
{
end:
  do
  :: atomic { !A_IS_IDLE -> follow () }
  od
}

active proctype AcceptorSays ()
{
end:
  do
  :: atomic { a_up[a_target] && !a_acked && nfull (to_dialer) ->
      to_dialer ! a_n; a_acked = true }
  od
}

active proctype AcceptorHears ()
{
  byte n, path;

end:
  do
  :: atomic { CONNECTED && nempty (to_acceptor) -> to_acceptor ? n, path;
      assert (n <= d_n && nominated[n] == path);
      if
#ifdef BREAK_OLD /* an old one is followed too */
      :: n != a_n -> a_n = n; a_target = path; a_acked = false
#else
      :: n > a_n -> a_n = n; a_target = path; a_acked = false
#endif
      :: n == a_n -> assert (path == a_target); a_acked = false
      :: else /* old */
      fi;
      n = 0; path = 0 }
  od
}

/* Loses, repeats, reorders: what is at the head of either queue. */
active proctype Network ()
{
  byte n, path;

end:
  do
  :: atomic { losses > 0 && nempty (to_acceptor) ->
      to_acceptor ? n, path; losses--; n = 0; path = 0 }
  :: atomic { losses > 0 && nempty (to_dialer) ->
      to_dialer ? n; losses--; n = 0 }
  :: atomic { repeats > 0 && len (to_acceptor) == 1 ->
      to_acceptor ? n, path; to_acceptor ! n, path; to_acceptor ! n, path;
      repeats--; n = 0; path = 0 }
  :: atomic { repeats > 0 && len (to_acceptor) == 2 ->
      to_acceptor ? n, path; to_acceptor ! n, path; repeats--; n = 0; path = 0 }
  :: atomic { repeats > 0 && len (to_dialer) == 1 ->
      to_dialer ? n; to_dialer ! n; to_dialer ! n; repeats--; n = 0 }
  :: atomic { repeats > 0 && len (to_dialer) == 2 ->
      to_dialer ? n; to_dialer ! n; repeats--; n = 0 }
  od
}

/* Paths come and go, for each side when it finds out; judgements change. */
inline change (flag)
{
  atomic { events > 0 -> flag = !flag; events-- }
}

/* So that a run goes on when nothing is left to do: spin looks for cycles. */
bool tick;

active proctype Clock ()
{
end:
  do
  :: tick = !tick
  od
}

active proctype World ()
{
  do
  :: change (d_up[RELAY])
  :: change (a_up[RELAY])
  :: change (d_up[DIRECT])
  :: change (a_up[DIRECT])
  :: change (d_dead[RELAY])
  :: change (d_dead[DIRECT])
  :: change (may_direct)
  :: change (overdue)
  :: change (better)
     /* In the end both see the same. */
  :: atomic { a_up[RELAY] = d_up[RELAY]; a_up[DIRECT] = d_up[DIRECT];
      break }
  od
}

#ifdef START_RELAY
init { atomic { d_up[RELAY] = true; a_up[RELAY] = true } }
#endif
#ifdef START_BOTH
init { atomic { d_up[RELAY] = true; a_up[RELAY] = true;
    d_up[DIRECT] = true; a_up[DIRECT] = true } }
#endif

ltl agree { <> [] (d_path == a_path) }
