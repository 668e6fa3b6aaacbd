"""Sentences of load management: why a limit is what it is, what would change it, alarms, the log of decisions.

Shapes for `said`: what these places take is decided in `said_shapes`.
"""

from __future__ import annotations

from gateway.pages.words import mark

TEXTS = (
    mark("installer"),
    mark("the API"),
    mark(
        "%(circuit)s, phase %(phase)s is shared by %(count)s: of %(limit_amps)s A (%(source)s), "
        "%(unmanaged_amps)s A are not managed"
    ),
    mark(
        "%(circuit)s, phase %(phase)s has no room for the %(least_amps)s A it needs: of %(limit_amps)s A "
        "(%(source)s), %(unmanaged_amps)s A are not managed; %(count)s charge"
    ),
    mark("it has all that the outlet gives: %(amps)s A"),
    mark("its car takes less than it may; %(amps)s A leave it some room to take more"),
    mark("a charging profile that somebody set allows it no more than %(amps)s A"),
    mark("its car takes nothing; it keeps %(amps)s A as long as nobody needs them"),
    mark("it charges from surplus alone, and there is no more"),
    mark("more would load the phases too unequally"),
    mark("a circuit has been overloaded for too long; the lowest class waits"),
    mark("the station follows no limit; %(amps)s A are kept for it"),
    mark("it draws more than its limit of %(limit_amps)s A; %(amps)s A are kept for it"),
    mark("the station has not accepted its newest limit; %(amps)s A are kept for it"),
    mark("the station is not connected; %(amps)s A are kept for it"),
    mark("no session is running"),
    mark("%(circuit)s carries more than its limit"),
    mark("%(circuit)s: worst case above the limit by %(amps)s A, being lowered"),
    mark("%(circuit)s: no meter reading to be believed; the worst background is assumed"),
    mark("%(name)s connector %(connector)s cannot be limited: its station follows no limit."),
    mark("%(amps)s A are kept free for it."),
    mark(
        "%(name)s connector %(connector)s is not connected: %(amps)s A are kept free for it, the most it may "
        "draw until it is back."
    ),
    mark("%(name)s connector %(connector)s has no session."),
    mark("A car that comes may draw %(amps)s A until it is given its share."),
    mark("%(name)s connector %(connector)s may draw %(amps)s A."),
    mark("%(name)s connector %(connector)s is paused: it may draw 0 A."),
    mark("%(amps)s A are planned for it, and reached step by step."),
    mark("It is told so this moment."),
    mark("Why: %(sentence)s."),
    mark("Others there: %(list)s and %(count)s more."),
    mark("Others there: %(list)s."),
    mark("%(amps)s A are kept there for %(count)s without a share."),
    mark("The limit of %(source)s for %(circuit)s holds until it is taken away."),
    mark("The limit of %(source)s for %(circuit)s holds until %(time)s."),
    mark("What it draws is not known."),
    mark("It drew %(amps)s A %(seconds)s s ago."),
    mark("Its station has accepted no limit for this session yet."),
    mark("The limit it was sent has run out: its station may have fallen back to %(amps)s A."),
    mark("Its station has accepted %(amps)s A until %(time)s; %(later_amps)s A hold after that."),
    mark("It refused the newest limit."),
    mark("It has not answered yet to %(amps)s A."),
    mark("The meter of %(circuit)s has not been read for some seconds: some more unmanaged load is assumed."),
    mark("The meter of %(circuit)s gives nothing that can be believed: the worst unmanaged load is assumed."),
    mark(
        "The meter of %(circuit)s gives nothing that can be believed, and the worst unmanaged load leaves too"
        " little even for fallbacks."
    ),
    mark("Its session is being stopped: %(reason)s."),
    mark("its station follows no limit and a circuit is overloaded"),
    mark("it ignores its limit and a circuit is overloaded"),
    mark(
        "Without the limit of %(source)s for %(circuit)s, %(amps)s A would be planned for it instead of "
        "%(planned_amps)s A."
    ),
    mark(
        "Without the charging profile that somebody set, %(amps)s A would be planned for it instead of "
        "%(planned_amps)s A."
    ),
    mark("If its station followed limits, %(amps)s A would be planned for it instead of %(planned_amps)s A."),
    mark("With a higher priority, %(amps)s A would be planned for it instead of %(planned_amps)s A."),
    mark(
        "If the meter of %(circuit)s could be believed, %(amps)s A would be planned for it instead of "
        "%(planned_amps)s A."
    ),
    mark("Without %(name)s, %(amps)s A would be planned for it instead of %(planned_amps)s A."),
    mark("Nothing has been decided for %(seconds)s s; what follows was true then."),
    mark("The newest record is of %(time)s; perhaps the gateway did not run after that."),
    mark("the configuration has no circuit, so nothing limits it."),
    mark("no circuit feeds it: it is not limited, and its current counts as unmanaged."),
    mark("nothing is decided yet since the gateway started."),
    mark("no decision about it yet: it has just become known, or is not adopted."),
    mark("no decision of %(time)s or before is on record"),
    mark("the record of %(time)s is damaged, or of another version of the gateway"),
    mark("station %(station)s was not managed on %(time)s"),
    mark("station %(station)s has no connector %(connector)s (it has %(list)s)"),
    mark("With %(list)s A on %(circuit)s, nobody charges."),
    mark("With %(list)s A on %(circuit)s, nothing changes for the %(count)s that charge."),
    mark("With %(list)s A on %(circuit)s, %(count)s of %(all_count)s that charge get another limit."),
    mark(
        "%(name)s, phase %(phase)s could still carry %(amps)s A too much: %(unmanaged_amps)s A of it are not managed."
    ),
    mark("%(changes)s and %(count)s more."),
    mark("%(changes)s."),
    mark("%(name)s is paused (now %(amps)s A)"),
    mark("%(name)s %(amps)s to %(then_amps)s A"),
    mark("first decision since the start"),
    mark("nothing changed"),
    mark("and %(count)s more"),
    mark("%(name)s stopped: %(reason)s"),
    mark("%(name)s raised to %(amps)s A"),
    mark("%(name)s let in to %(amps)s A"),
    mark("%(name)s lowered to %(amps)s A"),
    mark("%(circuit)s is new"),
    mark("%(circuit)s: mode %(mode_what)s"),
    mark("%(circuit)s: limit %(amps)s A (%(source)s)"),
    mark("%(name)s: alarm %(what)s"),
    mark("%(name)s: no more %(what)s"),
    mark("the connectors of the site are others"),
    mark("%(name)s follows its limit again"),
    mark("%(name)s ignores its limit"),
    mark("%(name)s may draw %(amps)s A"),
    mark("%(name)s is held by %(source)s"),
    mark("%(name)s is held by %(circuit)s, phase %(phase)s"),
    mark("without the gateway, fallbacks and background stay within every limit"),
    mark(
        "%(circuit)s, phase %(phase)s: %(count)s fallbacks of together %(amps)s A and a background of "
        "%(background_amps)s A make %(total_amps)s A of %(limit_amps)s A"
    ),
    mark(
        "%(circuit)s, phase %(phase)s: %(count)s fallbacks of together %(amps)s A and a background of "
        "%(background_amps)s A make %(total_amps)s A and exceed %(limit_amps)s A"
    ),
    mark("it would fit with fallback_amps = 0 for %(list)s"),
    mark("no fallback of 0 A mends that: the limit is too low for what is not managed"),
    mark("load limits are off, as the gateway asks nothing of stations by itself"),
    mark("no meter and no background_worst_amps: what else hangs on it counts as 0 A"),
    mark("no circuit: nothing limits it, and what it draws counts as background"),
    mark("it cannot be limited (%(reason)s): it counts with max_amps"),
    mark("automatic_calls is false"),
    mark("it is quiet"),
    mark("load_mode is %(mode)s"),
    mark("it has one limit for %(count)s connectors"),
    mark("the fallback of %(list)s counts as 0: %(what)s"),
    mark("its circuit %(name)s is no longer there: it counts below %(circuit)s"),
    mark(
        "its currents do not agree: it counts with min_amps %(least_amps)s, max_amps %(most_amps)s, "
        "fallback_amps %(fallback_amps)s"
    ),
    mark("it takes profiles of one period only"),
    mark("it does not know limits in mode %(mode)s"),
    mark("it refuses limits in mode %(mode)s"),
    mark("it refuses default profiles"),
    mark("a car followed a limit in mode %(mode)s"),
    mark("a car did not follow its limit in mode %(mode)s"),
    mark("nothing has been decided yet since the gateway started"),
    mark("there is no circuit %(circuit)s"),
    mark("the limit cannot be set like this"),
    mark("%(source)s has set no limit for circuit %(circuit)s"),
    mark("schedules are changed in the configuration"),
    mark("what-if"),
    mark("normal"),
    mark("hold"),
    mark("bound"),
    mark("floor"),
    mark("over limit"),
    mark("limit at risk"),
    mark("meter missing"),
    mark("station ignores limit"),
    mark("station offline"),
    mark("outlet"),
    mark("demand"),
    mark("asked"),
    mark("satisfied"),
    mark("surplus"),
    mark("unbalance"),
    mark("shed"),
    mark("unlimited"),
    mark("ignored"),
    mark("unconfirmed"),
    mark("fallback"),
    mark("idle"),
    mark("fixed"),
    mark("the fallback of %(list)s counts as 0"),
    mark("it refuses the fallback with a wait at 0 A, in %(unit)s, at level %(number)s"),
    mark("it refuses the fallback without a wait at 0 A, in %(unit)s, at level %(number)s"),
)
