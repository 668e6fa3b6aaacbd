"""Why a site meter is not believed or not reached, and what the search for meters says.

Shapes for `said`: what these places take is decided in `said_shapes`.
"""

from __future__ import annotations

from gateway.pages.words import mark

TEXTS = (
    mark("no reading yet"),
    mark("no reading for %(seconds)s s: %(reason)s"),
    mark("the newest reading is %(seconds)s s old: %(reason)s"),
    mark("the meter is silent"),
    mark("under load every value has been exactly the same for %(seconds)s s"),
    mark("the meter tells no currents"),
    mark("phase %(phase)s: %(sentence)s"),
    mark("%(volts)s V cannot be: is it the right model?"),
    mark("%(volts)s V: a fuse of the meter or a wire is gone"),
    mark("no current is told"),
    mark("%(amps)s A is more than twice the limit of %(limit_amps)s A"),
    mark("%(kilowatts)s kW is more than twice what %(amps)s A can carry"),
    mark(
        "phase %(phase)s feeds out %(amps)s A although nothing here generates: its transformer or its wires "
        "are turned round"
    ),
    mark("the meter refuses: %(what)s (exception %(code)s)"),
    mark("device failure"),
    mark("no answer behind the gateway"),
    mark("no path"),
    mark("illegal %(name)s"),
    mark("unknown reason"),
    mark("%(place)s was closed by the other side"),
    mark("unit %(unit)s on %(place)s does not answer"),
    mark("unit %(unit)s answered %(count)s registers instead of %(wanted_count)s"),
    mark("%(place)s cannot be reached"),
    mark("%(device)s is not there"),
    mark("%(device)s may not be opened by this user (group dialout)"),
    mark("%(device)s is in use by another program, or cannot be set to this speed and parity"),
    mark("nothing comes on %(place)s"),
    mark("something comes, but no telegram: are model, baudrate and parity right?"),
    mark("%(place)s is gone"),
    mark("%(place)s broke: %(reason)s"),
    mark("nothing usable came from %(place)s within %(seconds)s s"),
    mark("no meter can be read like this"),
    mark(
        "%(place)s is in use by the running gateway (meter %(list)s): stop the gateway, or take the meter out"
        " of its configuration"
    ),
    mark("nothing can be searched like this"),
    mark("another search is under way"),
    mark("the time was over before the whole line was searched"),
    mark("it was broken off"),
    mark("expected either device or host"),
    mark("expected no less than first_unit"),
    mark("expected a number from 300 to 921600, usual or all"),
    mark("expected a number from 300 to 921600, `usual` or `all`, got %(got)s"),
    mark("a model that the gateway knows (%(hint)s)"),
    mark("a model that talks by itself"),
    mark('type = "serial", as %(model)s talk by themselves'),
    mark('type = "rtu" (or "tcp"), as this model speaks Modbus'),
    mark("fresh"),
    mark("stale"),
    mark("frozen"),
    mark("reversed"),
    mark("out_of_scale"),
    mark("meter %(name)s"),
    mark("%(place)s is in use by the gateway (meter %(list)s), whose readings are in /meters"),
    mark("its registers are not confirmed: compare the first readings"),
    mark("it tells no phase currents: it cannot hold a limit in amperes"),
    mark("%(number)s: such meters usually talk at %(usual_number)s"),
    mark("did you mean %(name)s?"),
    mark("see docs/meters.md"),
)
